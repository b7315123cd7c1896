/**
 * Time grids for sampling and distillation, and bounds on the Jacobian of the probability flow that
 * some of them follow. Knows nothing of solvers.
 */
package org.fewstep.grid;
