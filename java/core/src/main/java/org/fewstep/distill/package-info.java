/**
 * Distillation of a mixture's flow into networks: one residual network a segment of the time grid,
 * trained on exact trajectories and composed into a sampler; its report, and grids made for it.
 */
package org.fewstep.distill;
