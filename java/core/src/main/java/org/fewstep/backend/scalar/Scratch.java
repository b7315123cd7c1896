package org.fewstep.backend.scalar;

import org.fewstep.network.Network;

/** The memory that a worker keeps from call to call; grows to what was asked of it. */
final class Scratch {

  /** A table for the times that the worker meets by itself. */
  final ComponentTable table = new ComponentTable();

  private MixtureRow row;
  private NetworkRow networkRow;
  private double[] states = {};
  private double[] values = {};

  /** The memory for a row under a mixture of that size. */
  MixtureRow row(int components, int dimension) {
    if (row == null || !row.fits(components, dimension)) {
      row = new MixtureRow(components, dimension);
    }
    return row;
  }

  /** The memory for a row of that network. */
  NetworkRow row(Network network) {
    if (networkRow == null || !networkRow.isOf(network)) {
      networkRow = new NetworkRow(network);
    }
    return networkRow;
  }

  /** At least {@code length} doubles, of any content. */
  double[] states(int length) {
    if (states.length < length) {
      states = new double[length];
    }
    return states;
  }

  /** At least {@code length} more doubles, of any content. */
  double[] values(int length) {
    if (values.length < length) {
      values = new double[length];
    }
    return values;
  }
}
