package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.fewstep.mixture.GaussianMixture;

/**
 * The scratch of one worker: the points of a tile in groups of lanes, and what the kernels keep
 * between passes. Grown on the first call that needs more, then reused: no allocation on a hot
 * path.
 */
final class FloatTile {

  private static final int GROUP = FloatLanes.GROUP;

  /** Elements of a tile's points: with a few results beside it, it stays in the L1 cache. */
  private static final int TARGET_ELEMENTS = 2048;

  private static final ValueLayout.OfDouble NUMBER = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private static final int RANDOM_NUMBERS = 1024;

  /** Points, {@code [groups][d][GROUP]}, and the vectors that the Hessian is applied to. */
  float[] x = new float[0];

  float[] direction = new float[0];

  /** Row-major rows on their way in or out. */
  float[] stage = new float[0];

  /** What is wanted of the points. */
  final FloatFields fields = new FloatFields();

  /** Exponents, then weights of the group at work, {@code [padded K][GROUP]}. */
  float[] weights = new float[0];

  /** Vectors {@code [d][GROUP]} of the group at work. */
  float[] gradient = new float[0];

  float[] deviation = new float[0];
  float[] whitened = new float[0];

  /** Scalars [GROUP] of the group at work. */
  final float[] groupTotal = new float[GROUP];

  final float[] reference = new float[GROUP];
  final float[] inverseTotal = new float[GROUP];

  final float[] trace = new float[GROUP];
  final boolean[] near = new boolean[GROUP];

  /** Whether the weights of every component are wanted, too. */
  boolean wantsWeights;

  /** The sums of weights of a tile, [groups][GROUP]. */
  float[] total = new float[0];

  /** The sums of weighted deviations of a tile, {@code [groups][d][GROUP]}. */
  float[] sums = new float[0];

  /** A second set of results for one group, from which lanes are taken. */
  final FloatFields alternative = new FloatFields();

  /** Numbers of a random stream, drawn in float64 whatever the precision. */
  final double[] numbers = new double[RANDOM_NUMBERS];

  final RowKernel row = new RowKernel();

  /** For points with a time each. */
  final FloatLaneScratch lanes = new FloatLaneScratch();

  /** Sums of slopes and of their errors, {@code [groups][d][GROUP]}. */
  float[] slopes = new float[0];

  float[] errors = new float[0];

  /** Squared errors of the rows of a step. */
  float[] squares = new float[0];

  /** A number for each row, float64 whatever the precision: times or step sizes. */
  double[] perRow = new double[0];

  /** The slots of a trajectory, {@code [slots][groups][d][GROUP]}, and the divergence of each. */
  float[] slots = new float[0];

  float[] slotDivergences = new float[0];

  /** The log-density along a trajectory, [groups][GROUP]. */
  float[] pathLogDensity = new float[0];

  /** For networks. */
  final FloatNetworkScratch network = new FloatNetworkScratch();

  private FloatBlockedScratch blocked;

  private final FloatFields buffers = new FloatFields();
  private final FloatFields alternativeBuffers = new FloatFields();

  /** The number of points in a tile of d columns: whole groups. */
  static int rows(int dimension) {
    return Math.max(1, Math.min(32, TARGET_ELEMENTS / (dimension * GROUP))) * GROUP;
  }

  /** Makes room for tiles of that many points. */
  void reserve(GaussianMixture mixture, int rows) {
    int d = mixture.dimension();
    int block = FloatMixtureConstants.BLOCK;
    x = grown(x, rows * d);
    direction = grown(direction, rows * d);
    stage = grown(stage, rows * d);
    total = grown(total, rows);
    sums = grown(sums, rows * d);
    weights = grown(weights, (mixture.components() + block - 1) / block * block * GROUP);
    gradient = grown(gradient, d * GROUP);
    deviation = grown(deviation, d * GROUP);
    whitened = grown(whitened, d * GROUP);
    grow(buffers, rows, d);
    grow(alternativeBuffers, GROUP, d);
  }

  /** The scratch of the expanded form for such means. */
  FloatBlockedScratch blocked(FloatBlockedMeans means) {
    if (blocked == null || !blocked.fits(means)) {
      blocked = new FloatBlockedScratch(means);
    }
    return blocked;
  }

  /** Makes room for steps of tiles of that many points. */
  void reserveSteps(int columns, int rows) {
    x = grown(x, rows * columns);
    stage = grown(stage, rows * columns);
    slopes = grown(slopes, rows * columns);
    errors = grown(errors, rows * columns);
    total = grown(total, rows);
    squares = grown(squares, rows);
  }

  /** Makes room for two batches of so many elements at a time. */
  void reserveSums(int elements) {
    x = grown(x, elements);
    direction = grown(direction, elements);
  }

  /** Reads {@link #perRow} of some rows; those that fill the last group repeat the last one. */
  void loadPerRow(MemorySegment memory, long first, int rows) {
    int padded = (rows + GROUP - 1) / GROUP * GROUP;
    if (perRow.length < padded) {
      perRow = new double[padded];
    }
    MemorySegment.copy(memory, NUMBER, first * Double.BYTES, perRow, 0, rows);
    Arrays.fill(perRow, rows, padded, perRow[rows - 1]);
  }

  /** Makes room for trajectories of tiles of that many points. */
  void reserveSlots(int count, int dimension, int rows) {
    slots = grown(slots, count * rows * dimension);
    slotDivergences = grown(slotDivergences, count * rows);
    pathLogDensity = grown(pathLogDensity, rows);
  }

  /** Chooses what is wanted of the points; derivatives need the score as well. */
  void want(boolean logDensity, boolean score, boolean mean, boolean divergence, boolean jvp) {
    boolean anyScore = score || divergence || jvp;
    choose(fields, buffers, logDensity, anyScore, mean, divergence, jvp);
    choose(alternative, alternativeBuffers, logDensity, anyScore, mean, divergence, jvp);
  }

  private static void choose(
      FloatFields fields,
      FloatFields from,
      boolean logDensity,
      boolean score,
      boolean mean,
      boolean divergence,
      boolean jvp) {
    fields.logDensity = logDensity ? from.logDensity : null;
    fields.score = score ? from.score : null;
    fields.mean = mean ? from.mean : null;
    fields.divergence = divergence ? from.divergence : null;
    fields.jvp = jvp ? from.jvp : null;
  }

  private static void grow(FloatFields fields, int rows, int d) {
    fields.logDensity = grown(fields.logDensity, rows);
    fields.score = grown(fields.score, rows * d);
    fields.mean = grown(fields.mean, rows * d);
    fields.divergence = grown(fields.divergence, rows);
    fields.jvp = grown(fields.jvp, rows * d);
  }

  static float[] grown(float[] array, int length) {
    return array != null && array.length >= length ? array : new float[length];
  }
}
