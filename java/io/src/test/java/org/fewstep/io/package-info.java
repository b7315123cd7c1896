/** Tests of the files: golden bytes, round trips, refusals, fuzzing. */
package org.fewstep.io;
