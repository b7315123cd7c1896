package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Probes;
import org.fewstep.backend.WorkerPool;

/** One evaluation of a network: tiles of rows through all layers, lanes over rows. */
final class FloatNetworkTask implements WorkerPool.Task {

  private static final int GROUP = FloatLanes.GROUP;

  private final FloatTile[] tiles;
  private FloatNetwork network;
  private double time;
  private MemorySegment times;
  private MemorySegment x;
  private MemorySegment value;
  private MemorySegment divergence;

  /** The directions of Hutchinson's estimate, [count, d], or null for the exact divergence. */
  private double[] probes;

  /** The directions drawn last, for calls that ask for the same again. */
  private double[] drawn;

  private Probes drawnOf;

  private MemorySegment direction;
  private MemorySegment jvp;
  private MemorySegment cotangent;
  private MemorySegment vjp;

  FloatNetworkTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(
      FloatNetwork packed, double t, Batch rowTimes, Batch points, NetworkOutputs outputs) {
    network = packed;
    time = t;
    times = FloatEngine.memory(rowTimes);
    x = points.memory();
    value = FloatEngine.memory(outputs.value());
    divergence = FloatEngine.memory(outputs.divergence());
    probes = outputs.probes() == null ? null : signs(outputs.probes(), packed.inputs);
    direction = FloatEngine.memory(outputs.direction());
    jvp = FloatEngine.memory(outputs.jvp());
    cotangent = FloatEngine.memory(outputs.cotangent());
    vjp = FloatEngine.memory(outputs.vjp());
  }

  private double[] signs(Probes wanted, int dimension) {
    if (!wanted.equals(drawnOf) || drawn.length != wanted.count() * dimension) {
      drawn = wanted.signs(dimension);
      drawnOf = wanted;
    }
    return drawn;
  }

  /** Forgets what the call was about. */
  void clear() {
    network = null;
    times = null;
    x = null;
    value = null;
    divergence = null;
    probes = null;
    direction = null;
    jvp = null;
    cotangent = null;
    vjp = null;
  }

  private boolean wantsDerivative() {
    return divergence != null || jvp != null || vjp != null;
  }

  @Override
  public void run(int worker, long first, long end) {
    FloatTile tile = tiles[worker];
    FloatNetworkScratch scratch = tile.network;
    int tileRows = network.tileRows();
    scratch.reserve(network.layers, network.inputs, tileRows);
    if (wantsDerivative()) {
      scratch.reserveDerivatives(network.layers, network.inputs, tileRows);
    }
    for (long row = first; row < end; row += tileRows) {
      tile(tile, scratch, row, (int) Math.min(tileRows, end - row));
    }
  }

  /** All inputs are read before anything is written: an output may lie where an input does. */
  private void tile(FloatTile tile, FloatNetworkScratch scratch, long row, int rows) {
    int groups = Math.ceilDiv(rows, GROUP);
    scratch.panels.load(x, row, rows, network.inputs, scratch.x);
    if (direction != null) {
      scratch.panels.load(direction, row, rows, network.inputs, scratch.direction);
    }
    if (cotangent != null) {
      scratch.panels.load(cotangent, row, rows, network.outputs, scratch.cotangent);
    }
    scratch.findFaults(network.inputs, groups);
    network.frame.enter(scratch.x, scratch.one, scratch.stride, groups);
    enterTime(tile, scratch, row, rows, groups);
    if (value != null || wantsDerivative()) {
      value(tile, scratch, row, rows, groups);
    }
    if (divergence != null) {
      divergence(scratch, groups);
      scratch.panels.store(scratch.trace, divergence, row, rows, 1);
    }
    if (jvp != null) {
      float[] faults = scratch.faultsWith(scratch.direction, network.inputs, groups);
      jvp(scratch, scratch.direction, faults, groups);
      scratch.panels.store(scratch.result, jvp, row, rows, network.outputs);
    }
    if (vjp != null) {
      vjp(scratch, groups);
      scratch.panels.store(scratch.result, vjp, row, rows, network.inputs);
    }
  }

  /** Writes the time to the last input of the layers; a row without a valid one is at fault. */
  private void enterTime(
      FloatTile tile, FloatNetworkScratch scratch, long row, int rows, int groups) {
    if (times != null) {
      tile.loadPerRow(times, row, rows);
    }
    if (times != null || network.takesTime) {
      for (int g = 0; g < groups; g++) {
        for (int lane = 0; lane < GROUP; lane++) {
          int point = g * GROUP + lane;
          float t = times == null ? (float) time : network.time(tile.perRow[point]);
          scratch.faults[point] += 0f * t;
          if (network.takesTime) {
            scratch.one[g * scratch.stride + network.inputs * GROUP + lane] = t;
          }
        }
      }
    }
  }

  private void value(FloatTile tile, FloatNetworkScratch scratch, long row, int rows, int groups) {
    FloatLayers layers = network.layers;
    float[] last =
        wantsDerivative()
            ? layers.values(scratch.one, scratch.other, scratch.stride, scratch.affine, groups)
            : layers.values(scratch.one, scratch.other, scratch.stride, groups);
    if (value != null) {
      float[] faults = scratch.faults;
      network.frame.leave(last, 0, scratch.stride, scratch.x, faults, scratch.result, groups);
      scratch.panels.store(scratch.result, value, row, rows, network.outputs);
    }
  }

  /** Leaves J v in the result. */
  private void jvp(FloatNetworkScratch scratch, float[] v, float[] faults, int groups) {
    FloatFrame frame = network.frame;
    int stride = scratch.stride;
    frame.enterTangents(v, scratch.x, scratch.one, stride, groups);
    for (int g = 0; network.takesTime && g < groups; g++) {
      int at = g * stride + network.inputs * GROUP;
      Arrays.fill(scratch.one, at, at + GROUP, 0f);
    }
    float[] last =
        network.layers.tangents(scratch.one, scratch.other, stride, scratch.affine, groups);
    frame.leaveTangents(last, stride, v, scratch.x, faults, scratch.result, groups);
  }

  /** Leaves J' w in the result. */
  private void vjp(FloatNetworkScratch scratch, int groups) {
    FloatFrame frame = network.frame;
    int stride = scratch.stride;
    float[] w = scratch.cotangent;
    float[] faults = scratch.faultsWith(w, network.outputs, groups);
    frame.enterCotangents(w, scratch.one, stride, groups);
    float[] first =
        network.layers.cotangents(scratch.one, scratch.other, stride, scratch.affine, groups);
    frame.leaveCotangents(first, stride, w, scratch.x, faults, scratch.result, groups);
  }

  /** The trace of J by its products with the axes, or their mean with the probes. */
  private void divergence(FloatNetworkScratch scratch, int groups) {
    int d = network.inputs;
    FloatFrame frame = network.frame;
    Arrays.fill(scratch.trace, 0, groups * GROUP, 0f);
    int count = probes == null ? d : probes.length / d;
    for (int p = 0; p < count; p++) {
      if (probes == null) {
        frame.setAxis(scratch.axis, p, groups);
      } else {
        frame.setDirection(scratch.axis, probes, p * d, groups);
      }
      jvp(scratch, scratch.axis, scratch.faults, groups);
      if (probes == null) {
        frame.addCoordinate(scratch.result, p, scratch.trace, groups);
      } else {
        frame.addProducts(scratch.axis, scratch.result, scratch.trace, groups);
      }
    }
    for (int i = 0; probes != null && i < groups * GROUP; i++) {
      scratch.trace[i] /= count;
    }
  }
}
