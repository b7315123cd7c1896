/**
 * The CUDA backend: device memory and streams, and the kernels behind {@link
 * org.fewstep.backend.Backend}.
 */
package org.fewstep.cuda;
