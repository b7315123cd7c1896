package org.fewstep.flow;

import java.util.Optional;
import org.fewstep.backend.Batch;
import org.fewstep.diffusion.Diffusion;

/** A user's field by a function of one row on the host. */
record HostField(int dimension, Row velocity, Row trace, Diffusion of) implements UserField {

  /** Writes one row: v [d], or its divergence [1]. */
  interface Row {
    double[] at(double t, double[] x);
  }

  static HostField of(int dimension, Row velocity) {
    return new HostField(dimension, velocity, null, null);
  }

  @Override
  public Optional<Diffusion> process() {
    return Optional.ofNullable(of);
  }

  @Override
  public void evaluate(double t, Batch x, Batch out) {
    write(velocity, t, x, out);
  }

  @Override
  public boolean hasDivergence() {
    return trace != null;
  }

  @Override
  public void divergence(double t, Batch x, Batch out) {
    write(trace, t, x, out);
  }

  private static void write(Row function, double t, Batch x, Batch out) {
    for (long row = 0; row < x.rows(); row++) {
      double[] point = new double[x.columns()];
      for (int i = 0; i < point.length; i++) {
        point[i] = x.get(row, i);
      }
      double[] value = function.at(t, point);
      for (int i = 0; i < value.length; i++) {
        out.set(row, i, value[i]);
      }
    }
  }
}
