/**
 * The forward process that turns data into noise: its scale alpha(t), its noise level sigma(t) and
 * the coefficients of the probability flow. Knows nothing of mixtures, networks or kernels.
 */
package org.fewstep.diffusion;
