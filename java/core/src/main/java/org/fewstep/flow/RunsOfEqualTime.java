package org.fewstep.flow;

import org.fewstep.backend.Batch;

/** Serves a call with one time per row by calls with one time for many rows. */
final class RunsOfEqualTime {

  private RunsOfEqualTime() {}

  /** A field at one time. */
  interface AtOneTime {
    void evaluate(double t, Batch x, Batch out);
  }

  static void forEach(Batch times, Batch x, Batch out, AtOneTime field) {
    double[] t = times.toDoubleArray();
    for (int first = 0; first < t.length; ) {
      int next = first + 1;
      while (next < t.length && t[next] == t[first]) {
        next++;
      }
      long count = next - first;
      field.evaluate(t[first], x.slice(first, count), out.slice(first, count));
      first = next;
    }
  }
}
