package org.fewstep.backend.vector;

import org.fewstep.network.Network;

/** A network in a form for groups of points. Immutable but for what is made when first needed. */
final class FloatNetwork {

  final FloatLayers layers;
  final FloatFrame frame;
  final int inputs;
  final int outputs;
  final boolean takesTime;
  private final double timeLow;
  private final double timeHigh;

  FloatNetwork(Network network) {
    layers = FloatLayers.of(network.layers());
    frame = new FloatFrame(network.frame(), network.inputs(), network.outputs());
    inputs = network.inputs();
    outputs = network.outputs();
    takesTime = network.takesTime();
    timeLow = network.timeLow();
    timeHigh = network.timeHigh();
  }

  /** The time as the layers take it, or NaN if the network does not hold there. */
  float time(double t) {
    return t >= timeLow && t <= timeHigh ? (float) t : Float.NaN;
  }

  /** The points of a tile. */
  int tileRows() {
    return FloatNetworkScratch.rows(layers.width());
  }
}
