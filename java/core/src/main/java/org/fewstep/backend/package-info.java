/**
 * The contract of the kernels: memory ({@link org.fewstep.backend.Batch}), operations ({@link
 * org.fewstep.backend.Backend}), trajectories as data ({@link org.fewstep.backend.Plan}), and the
 * choice of who runs them. Holds no kernel itself.
 */
package org.fewstep.backend;
