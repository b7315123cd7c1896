/** The command {@code fewstep}: one class a verb, over the library and its files. */
package org.fewstep.cli;
