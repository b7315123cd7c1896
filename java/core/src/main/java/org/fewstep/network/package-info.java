/**
 * ReLU-ReQU networks as immutable data: shapes, layers, what surrounds them, and the compiler that
 * turns a mixture into such a network. Knows nothing of batches or kernels.
 */
package org.fewstep.network;
