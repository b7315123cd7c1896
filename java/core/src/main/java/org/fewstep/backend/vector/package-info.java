/** The Vector API backend: register-tiled CPU kernels, lanes over points. Not exported. */
package org.fewstep.backend.vector;
