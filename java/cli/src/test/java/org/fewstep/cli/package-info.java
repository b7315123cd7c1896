/** Tests of the command as other programs see it: files, JSON, exit codes and lines on stderr. */
package org.fewstep.cli;
