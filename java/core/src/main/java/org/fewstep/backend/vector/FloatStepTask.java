package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.backend.Plan;
import org.fewstep.backend.WorkerPool;

/**
 * A linear combination of batches, or a Runge-Kutta step with a step size per row: tile by tile,
 * lanes over rows, the sums in the order of the terms.
 */
final class FloatStepTask implements WorkerPool.Task {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final FloatTile[] tiles;
  private final MemorySegment[] terms = new MemorySegment[Plan.MAX_SLOTS];
  private final float[] weights = new float[Plan.MAX_SLOTS];
  private final float[] errorWeights = new float[Plan.MAX_SLOTS];
  private int count;
  private int columns;
  private MemorySegment x;
  private MemorySegment stepSizes;
  private MemorySegment next;
  private MemorySegment squares;
  private float absolute;
  private float relative;

  FloatStepTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  /** out = sum of terms. */
  void prepare(Batch out, List<Batch> batches, double[] termWeights) {
    setTerms(batches, termWeights, null);
    columns = out.columns();
    next = out.memory();
  }

  /** next = x + h sum of slopes. */
  void prepare(
      Batch state,
      List<Batch> slopes,
      Batch sizes,
      double[] slopeWeights,
      Batch result,
      ErrorEstimate error) {
    setTerms(slopes, slopeWeights, error == null ? null : error.weights());
    columns = state.columns();
    x = state.memory();
    stepSizes = sizes.memory();
    next = result.memory();
    if (error != null) {
      squares = error.squares().memory();
      absolute = (float) error.absolute();
      relative = (float) error.relative();
    }
  }

  private void setTerms(List<Batch> batches, double[] termWeights, double[] errors) {
    count = batches.size();
    for (int j = 0; j < count; j++) {
      weights[j] = (float) termWeights[j];
      errorWeights[j] = errors == null ? 0f : (float) errors[j];
      boolean read = weights[j] != 0 || errorWeights[j] != 0;
      terms[j] = read ? FloatEngine.memory(batches.get(j)) : null;
    }
  }

  /** Forgets the batches of the call. */
  void clear() {
    Arrays.fill(terms, null);
    x = null;
    stepSizes = null;
    next = null;
    squares = null;
  }

  @Override
  public void run(int worker, long first, long end) {
    FloatTile tile = tiles[worker];
    int tileRows = FloatTile.rows(columns);
    tile.reserveSteps(columns, tileRows);
    for (long row = first; row < end; row += tileRows) {
      int rows = (int) Math.min(tileRows, end - row);
      int length = (rows + GROUP - 1) / GROUP * GROUP * columns;
      sum(tile, row, rows, length);
      if (stepSizes != null) {
        step(tile, row, rows);
      }
      FloatRows.store(tile.slopes, tile.stage, next, row, rows, columns);
    }
  }

  /** Sums the terms into {@code tile.slopes}, and their error into {@code tile.errors}. */
  private void sum(FloatTile tile, long row, int rows, int length) {
    Arrays.fill(tile.slopes, 0, length, 0f);
    Arrays.fill(tile.errors, 0, squares == null ? 0 : length, 0f);
    for (int j = 0; j < count; j++) {
      if (terms[j] != null) {
        FloatRows.load(terms[j], row, rows, columns, tile.stage, tile.x);
        add(tile.x, weights[j], tile.slopes, length);
        add(tile.x, errorWeights[j], tile.errors, squares == null ? 0 : length);
      }
    }
  }

  private static void add(float[] term, float weight, float[] sum, int length) {
    if (weight == 0) {
      return;
    }
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector.fromArray(SPECIES, term, i)
          .fma(FloatVector.broadcast(SPECIES, weight), FloatVector.fromArray(SPECIES, sum, i))
          .intoArray(sum, i);
    }
  }

  /**
   * Memory is copied in bulk, apart from the arithmetic: single elements of segments cost many
   * nodes, and in a large method the JIT stops inlining the Vector API.
   */
  private void step(FloatTile tile, long row, int rows) {
    FloatRows.load(x, row, rows, columns, tile.stage, tile.x);
    tile.loadPerRow(stepSizes, row, rows);
    int groups = (rows + GROUP - 1) / GROUP;
    for (int i = 0; i < groups * GROUP; i++) {
      tile.total[i] = (float) tile.perRow[i];
    }
    for (int g = 0; g < groups; g++) {
      for (int half = 0; half < GROUP; half += LENGTH) {
        stepVector(tile, g * GROUP + half, g * columns * GROUP + half);
      }
    }
    if (squares != null) {
      addSquares(tile, row, rows);
    }
  }

  /** squares += the squared errors of the rows of a tile. */
  private void addSquares(FloatTile tile, long row, int rows) {
    float[] sums = tile.stage;
    MemorySegment.copy(squares, ELEMENT, row * Float.BYTES, sums, 0, rows);
    for (int i = 0; i < rows; i++) {
      sums[i] += tile.squares[i];
    }
    MemorySegment.copy(sums, 0, squares, ELEMENT, row * Float.BYTES, rows);
  }

  private void stepVector(FloatTile tile, int scalar, int at) {
    FloatVector h = FloatVector.fromArray(SPECIES, tile.total, scalar);
    VectorMask<Float> moves = h.compare(VectorOperators.NE, 0f);
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int o = at; o < at + columns * GROUP; o += GROUP) {
      FloatVector state = FloatVector.fromArray(SPECIES, tile.x, o);
      FloatVector moved = FloatVector.fromArray(SPECIES, tile.slopes, o).fma(h, state);
      FloatVector to = state.blend(moved, moves);
      to.intoArray(tile.slopes, o);
      if (squares != null) {
        FloatVector size = state.abs().max(to.abs());
        FloatVector tolerance =
            size.fma(
                FloatVector.broadcast(SPECIES, relative), FloatVector.broadcast(SPECIES, absolute));
        FloatVector error = FloatVector.fromArray(SPECIES, tile.errors, o).mul(h).div(tolerance);
        sum = error.fma(error, sum);
      }
    }
    FloatVector.zero(SPECIES).blend(sum, moves).intoArray(tile.squares, scalar);
  }
}
