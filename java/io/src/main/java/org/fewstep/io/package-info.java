/**
 * Files: arrays (.npy), tensors and networks (.safetensors), tables (.csv) and mixtures (JSON),
 * read strictly and written atomically.
 */
package org.fewstep.io;
