/**
 * Files: arrays (.npy), tables (.csv) and mixtures (JSON), read strictly and written atomically.
 */
package org.fewstep.io;
