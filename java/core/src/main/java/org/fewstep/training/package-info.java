/**
 * Training of networks: optimisers, schedules, initial parameters, checkpoints, and the loop that
 * fits a network to pairs. Loops over the forward and backward kernels of a backend; no autograd.
 */
package org.fewstep.training;
