/** Short programs that use the library as a stranger would: each file is one, and runs alone. */
package org.fewstep.examples;
