package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.backend.WorkerPool;
import org.fewstep.backend.vector.FloatTrajectory.FloatStage;
import org.fewstep.backend.vector.FloatTrajectory.FloatStep;
import org.fewstep.backend.vector.FloatTrajectory.FloatTerms;

/** Whole trajectories, tile by tile: the slots of a tile stay in cache from first step to last. */
final class FloatTrajectoryTask implements WorkerPool.Task {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  private final FloatTile[] tiles;
  private FloatTrajectory trajectory;
  private int dimension;
  private boolean velocity;
  private MemorySegment x;
  private MemorySegment end;
  private List<Batch> knots;
  private MemorySegment logDensity;

  FloatTrajectoryTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(FloatTrajectory packed, Batch points, TrajectoryOutputs outputs) {
    trajectory = packed;
    dimension = points.columns();
    velocity = packed.plan.evaluation() == Plan.Evaluation.VELOCITY;
    x = points.memory();
    end = FloatEngine.memory(outputs.end());
    knots = outputs.knots();
    logDensity = FloatEngine.memory(outputs.logDensity());
  }

  /** Forgets the batches of the call. */
  void clear() {
    trajectory = null;
    x = null;
    end = null;
    knots = null;
    logDensity = null;
  }

  @Override
  public void run(int worker, long first, long last) {
    FloatTile tile = tiles[worker];
    int tileRows = trajectory.tileRows();
    tile.reserve(trajectory.mixture, tileRows);
    tile.reserveSlots(trajectory.plan.slots(), dimension, tileRows);
    tile.want(false, velocity, !velocity, logDensity != null, false);
    tile.wantsWeights = false;
    for (long row = first; row < last; row += tileRows) {
      tile(tile, row, (int) Math.min(tileRows, last - row));
    }
  }

  private void tile(FloatTile tile, long row, int rows) {
    int padded = (rows + GROUP - 1) / GROUP * GROUP;
    int length = padded * dimension;
    FloatRows.load(x, row, rows, dimension, tile.stage, tile.slots);
    Arrays.fill(tile.slots, length, trajectory.plan.slots() * length, 0f);
    if (logDensity != null) {
      Arrays.fill(tile.slotDivergences, 0, trajectory.plan.slots() * padded, 0f);
      FloatRows.load(logDensity, row, rows, 1, tile.stage, tile.pathLogDensity);
    }
    storeKnot(tile, 0, row, rows);
    for (int s = 0; s < trajectory.steps.length; s++) {
      FloatStep step = trajectory.steps[s];
      for (FloatStage stage : step.stages()) {
        evaluate(tile, stage, padded);
      }
      combine(tile.slots, step.update(), tile.slots, length);
      if (logDensity != null) {
        advanceLogDensity(tile, step, padded);
      }
      storeKnot(tile, s + 1, row, rows);
    }
    if (end != null) {
      FloatRows.store(tile.slots, tile.stage, end, row, rows, dimension);
    }
    if (logDensity != null) {
      FloatRows.store(tile.pathLogDensity, tile.stage, logDensity, row, rows, 1);
    }
  }

  private void storeKnot(FloatTile tile, int knot, long row, int rows) {
    if (!knots.isEmpty()) {
      FloatRows.store(tile.slots, tile.stage, knots.get(knot).memory(), row, rows, dimension);
    }
  }

  private void evaluate(FloatTile tile, FloatStage stage, int padded) {
    int length = padded * dimension;
    combine(tile.slots, stage.inputs(), tile.x, length);
    stage.kernel().evaluate(tile, padded / GROUP);
    int target = stage.target() * length;
    if (velocity) {
      affine(
          tile.x, stage.drift(), tile.fields.score, stage.diffusion(), tile.slots, target, length);
    } else {
      System.arraycopy(tile.fields.mean, 0, tile.slots, target, length);
    }
    if (logDensity != null) {
      float constant = stage.divergenceConstant();
      for (int i = 0; i < padded; i += LENGTH) {
        FloatVector.fromArray(SPECIES, tile.fields.divergence, i)
            .fma(
                FloatVector.broadcast(SPECIES, stage.divergenceFactor()),
                FloatVector.broadcast(SPECIES, constant))
            .intoArray(tile.slotDivergences, stage.target() * padded + i);
      }
    }
  }

  /** out = a x + b y. */
  private static void affine(
      float[] x, float a, float[] y, float b, float[] out, int at, int length) {
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector.fromArray(SPECIES, y, i)
          .fma(FloatVector.broadcast(SPECIES, b), FloatVector.fromArray(SPECIES, x, i).mul(a))
          .intoArray(out, at + i);
    }
  }

  private static void advanceLogDensity(FloatTile tile, FloatStep step, int padded) {
    int[] used = step.logDensityTerms().slots();
    float[] weights = step.logDensityTerms().weights();
    for (int i = 0; i < padded; i += LENGTH) {
      FloatVector change = FloatVector.broadcast(SPECIES, step.logDensityOffset());
      for (int j = 0; j < used.length; j++) {
        change =
            FloatVector.fromArray(SPECIES, tile.slotDivergences, used[j] * padded + i)
                .fma(FloatVector.broadcast(SPECIES, weights[j]), change);
      }
      change
          .add(FloatVector.fromArray(SPECIES, tile.pathLogDensity, i))
          .intoArray(tile.pathLogDensity, i);
    }
  }

  /** out = the combination of slots that terms name; out may be slot 0 of the slots themselves. */
  private static void combine(float[] slots, FloatTerms terms, float[] out, int length) {
    int[] used = terms.slots();
    float[] weights = terms.weights();
    switch (used.length) {
      case 0 -> Arrays.fill(out, 0, length, 0f);
      case 1 -> scale(slots, used[0] * length, weights[0], out, length);
      default -> {
        // The first two make a pass, so that slot 0, which comes first, is read before it changes.
        addTwo(slots, used[0] * length, weights[0], used[1] * length, weights[1], out, length);
        for (int j = 2; j < used.length; j++) {
          add(slots, used[j] * length, weights[j], out, length);
        }
      }
    }
  }

  private static void scale(float[] slots, int a, float weight, float[] out, int length) {
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector.fromArray(SPECIES, slots, a + i).mul(weight).intoArray(out, i);
    }
  }

  private static void addTwo(
      float[] slots, int a, float first, int b, float second, float[] out, int length) {
    FloatVector factor = FloatVector.broadcast(SPECIES, second);
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector sum = FloatVector.fromArray(SPECIES, slots, a + i).mul(first);
      FloatVector.fromArray(SPECIES, slots, b + i).fma(factor, sum).intoArray(out, i);
    }
  }

  private static void add(float[] slots, int a, float weight, float[] out, int length) {
    FloatVector factor = FloatVector.broadcast(SPECIES, weight);
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector sum = FloatVector.fromArray(SPECIES, out, i);
      FloatVector.fromArray(SPECIES, slots, a + i).fma(factor, sum).intoArray(out, i);
    }
  }
}
