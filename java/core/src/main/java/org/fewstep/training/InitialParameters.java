package org.fewstep.training;

import org.fewstep.backend.Philox;
import org.fewstep.network.NetworkShape;
import org.fewstep.network.Unit;

/**
 * Random parameters to begin a training with.
 *
 * <p>Weights are normals whose variance keeps that of the signal from layer to layer: 2 over the
 * number of inputs for a ReLU (He et al., 2015), 1 over it for a ReQU, whose output grows with the
 * square. Biases of the first layer are standard normals, which spreads the kinks over inputs of
 * unit size; others are zero. The last layer starts a hundredth as large, so that a residual block
 * begins near the identity.
 */
public final class InitialParameters {

  private static final double LAST_LAYER = 0.01;

  private InitialParameters() {}

  /** The parameters [P] in the order of the shape, the same for a seed everywhere. */
  public static double[] of(NetworkShape shape, long seed) {
    double[] parameters = new double[shape.parameters()];
    Philox.normal(seed, 0, parameters, 0, parameters.length);
    for (int l = 0; l < shape.layers(); l++) {
      boolean last = l == shape.layers() - 1;
      int inputs = shape.width(l - 1);
      for (int o = 0; o < shape.width(l); o++) {
        double variance = (shape.units(l).get(o) == Unit.RELU ? 2.0 : 1.0) / inputs;
        double scale = Math.sqrt(variance) * (last ? LAST_LAYER : 1);
        int row = shape.weightOffset(l) + o * inputs;
        for (int i = 0; i < inputs; i++) {
          parameters[row + i] *= scale;
        }
        boolean spread = l == 0 && !last;
        parameters[shape.biasOffset(l) + o] *= spread ? 1 : 0;
      }
    }
    return parameters;
  }
}
