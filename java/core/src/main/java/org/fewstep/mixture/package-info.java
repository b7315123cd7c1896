/**
 * Gaussian mixtures as immutable data: weights, means, covariances with their eigendecompositions,
 * and the same mixture carried through a diffusion to time t. Knows nothing of batches or kernels.
 */
package org.fewstep.mixture;
