package org.fewstep.network;

import java.util.List;

/** Values under construction, as functions of the inputs of their network. */
record Built(NetworkBuilder builder, List<Value> outputs) {

  static Built of(NetworkBuilder builder, Value... outputs) {
    return new Built(builder, List.of(outputs));
  }

  /** The outputs in float64. */
  double[] at(double... inputs) {
    return new NetworkEvaluation(layers()).inDouble(inputs);
  }

  /** The first output in float32. */
  double inFloat(double... inputs) {
    return new NetworkEvaluation(layers()).inFloat(inputs)[0];
  }

  List<Layer> layers() {
    return builder.layers(outputs);
  }
}
