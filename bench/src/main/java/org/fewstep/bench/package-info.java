/**
 * Benchmarks of the kernels: JMH classes named after the operations, and {@link
 * org.fewstep.bench.Ratios}, which sets the kernels beside their peers and their limits in one run.
 */
package org.fewstep.bench;
