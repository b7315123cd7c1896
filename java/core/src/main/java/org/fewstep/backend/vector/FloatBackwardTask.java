package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.backend.Batch;
import org.fewstep.backend.WorkerPool;

/**
 * The backward pass of a network in training. A task of the pool is a run of rows; each run sums
 * its own gradient, and the runs are added up in order.
 */
final class FloatBackwardTask implements WorkerPool.Task {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final FloatTile[] tiles;
  private FloatTrainee network;
  private MemorySegment x;
  private MemorySegment saved;
  private MemorySegment dy;
  private MemorySegment dx;
  private boolean wantsGradient;
  private long n;
  private long runRows;

  /** The gradients of all runs, one behind the other. */
  private float[] gradients = new float[0];

  FloatBackwardTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(
      FloatTrainee trainee,
      Batch parameters,
      Batch points,
      Batch affine,
      Batch slopes,
      Batch slopesOfX,
      Batch gradient) {
    network = trainee;
    network.load(parameters.memory(), true);
    x = points.memory();
    saved = network.hidden() == 0 ? null : FloatEngine.memory(affine);
    dy = slopes.memory();
    dx = FloatEngine.memory(slopesOfX);
    wantsGradient = gradient != null;
    n = points.rows();
    runRows = network.runRows(n);
    if (wantsGradient) {
      gradients = FloatTile.grown(gradients, Math.max(1, runs()) * stride());
    }
  }

  /** Forgets what the call was about. */
  void clear() {
    network = null;
    x = null;
    saved = null;
    dy = null;
    dx = null;
  }

  /** The number of runs of rows. */
  int runs() {
    return (int) Math.ceilDiv(n, runRows);
  }

  /** The distance of the gradients of two runs: whole vectors. */
  private int stride() {
    return Math.ceilDiv(network.parameters(), LENGTH) * LENGTH;
  }

  /** Writes the sum of the gradients of all runs. */
  void storeGradient(MemorySegment gradient) {
    int stride = stride();
    if (n == 0) {
      Arrays.fill(gradients, 0, stride, 0f);
    }
    for (int run = 1; run < runs(); run++) {
      add(gradients, run * stride, stride);
    }
    MemorySegment.copy(gradients, 0, gradient, ELEMENT, 0, network.parameters());
  }

  private static void add(float[] gradients, int from, int length) {
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector.fromArray(SPECIES, gradients, i)
          .add(FloatVector.fromArray(SPECIES, gradients, from + i))
          .intoArray(gradients, i);
    }
  }

  @Override
  public void run(int worker, long firstRun, long endRun) {
    FloatTile tile = tiles[worker];
    tile.network.reserveTraining(network);
    FloatGradient gradient = wantsGradient ? network.gradient(worker) : null;
    int tileRows = network.tileRows();
    for (long run = firstRun; run < endRun; run++) {
      if (wantsGradient) {
        gradient.clear();
      }
      long end = Math.min((run + 1) * runRows, n);
      for (long row = run * runRows; row < end; row += tileRows) {
        tile(tile, gradient, row, (int) Math.min(tileRows, end - row));
      }
      if (wantsGradient) {
        gradient.store(gradients, (int) run * stride());
      }
    }
  }

  private void tile(FloatTile tile, FloatGradient gradient, long row, int rows) {
    FloatNetworkScratch scratch = tile.network;
    FloatFrame frame = network.frame;
    int groups = Math.ceilDiv(rows, GROUP);
    scratch.panels.load(x, row, rows, network.inputs(), scratch.x);
    scratch.panels.load(dy, row, rows, network.outputs(), scratch.cotangent);
    clearBehind(scratch.cotangent, rows);
    if (saved != null) {
      FloatSavedRows.load(scratch, network, saved, row, rows);
    }
    recomputeLast(scratch, groups);
    frame.enterCotangents(scratch.cotangent, scratch.one, scratch.stride, groups);
    float[] first = layers(scratch, gradient, rows, groups);
    if (dx != null) {
      scratch.findFaults(network.inputs(), groups);
      float[] dyRows = scratch.cotangent;
      float[] faults = scratch.faults;
      float[] result = scratch.result;
      frame.leaveCotangents(first, scratch.stride, dyRows, scratch.x, faults, result, groups);
      scratch.panels.store(result, dx, row, rows, network.inputs());
    }
  }

  /** Clears the lanes behind the last row of a tile, so that they add nothing to a gradient. */
  private void clearBehind(float[] slopes, int rows) {
    int lane = rows % GROUP;
    int group = rows / GROUP * network.outputs() * GROUP;
    for (int o = 0; lane > 0 && o < network.outputs(); o++) {
      Arrays.fill(slopes, group + o * GROUP + lane, group + (o + 1) * GROUP, 0f);
    }
  }

  /** The last layer's z is not saved; only units that are not linear want it. */
  private void recomputeLast(FloatNetworkScratch scratch, int groups) {
    int last = network.layers.depth() - 1;
    if (!network.layers.units(last).linear()) {
      inputs(scratch, last, groups);
      network.layers.affine(last, scratch.inputs, scratch.stride, scratch.affine, groups);
    }
  }

  /** Goes through the layers from the last; returns the derivatives in the inputs of the first. */
  private float[] layers(
      FloatNetworkScratch scratch, FloatGradient gradient, int rows, int groups) {
    FloatLayers layers = network.layers;
    int stride = scratch.stride;
    float[] slopes = scratch.one;
    float[] below = scratch.other;
    for (int l = layers.depth() - 1; l >= 0; l--) {
      layers.derivatives(l, scratch.affine, slopes, stride, groups);
      if (gradient != null) {
        inputs(scratch, l, groups);
        gradient.add(l, slopes, scratch.inputs, stride, rows);
      }
      if (l > 0 || dx != null) {
        layers.back(l, slopes, below, stride, groups);
      }
      float[] free = slopes;
      slopes = below;
      below = free;
    }
    return slopes;
  }

  /** Writes the inputs of a layer. */
  private void inputs(FloatNetworkScratch scratch, int layer, int groups) {
    if (layer == 0) {
      network.frame.enter(scratch.x, scratch.inputs, scratch.stride, groups);
    } else {
      network.layers.values(layer - 1, scratch.affine, scratch.inputs, scratch.stride, groups);
    }
  }
}
