package org.fewstep.backend.vector;

/**
 * What one thread needs to run the blocked kernel: matrices of one block of rows. Made once for a
 * shape; the kernel allocates nothing.
 *
 * <p>Rows of a matrix are one vector further apart than they are long, lest the rows of a tile meet
 * in one set of the cache when their length is a power of two.
 */
final class FloatBlockedScratch {

  /** Components that are in work at a time: their logits stay in cache. */
  static final int LARGEST_CHUNK = 32 * 64;

  /** Elements of a block: with the panels in use they fit a second-level cache of 1 MiB. */
  private static final int BLOCK_ELEMENTS = 96 << 10;

  private static final int LARGEST_ROWS = 16 * FloatBlockedTile.ROWS;

  private static final int LANES = FloatLanes.SPECIES.length();

  private final int dimension;
  private final int chunk;
  private final int rows;

  /** Centred points x', [rows, dimension]. */
  final float[] points;

  /** Centred points times the input factors, [rows, dimension]; the left factor of the logits. */
  final float[] inputs;

  /** Logits, then weights, of a chunk of components, [rows, chunk]. */
  final float[] logits;

  /** Weighted sums of the means, [rows, dimension]. */
  final float[] sums;

  /** Weighted sums of the means of one chunk, [rows, dimension]. */
  final float[] chunkSums;

  /** One row of an output. */
  final float[] output;

  /** Sums of each row lane by lane, before the lanes are added up, [rows, lanes of a vector]. */
  final float[] lanes;

  /** The quadratic form of each row. */
  final float[] quadratic;

  /** The largest logit of each row so far. */
  final float[] largest;

  /** The component with the largest logit of each row, if the log-density is asked for. */
  final int[] likeliest;

  /** What the sums of each row so far are to be multiplied by, as the largest logit has changed. */
  final float[] rescale;

  /** The sum of weights of each row, and two other sums where covariances differ. */
  final float[] total;

  final float[] totalPrecision;
  final float[] totalContraction;

  private final int[] outside;
  private int outsideCount;

  FloatBlockedScratch(FloatBlockedMeans means) {
    this.dimension = means.paddedDimension();
    this.chunk = chunkOf(means);
    this.rows = rowsOf(means);
    this.points = new float[rows * pointStride()];
    this.inputs = new float[rows * pointStride()];
    this.sums = new float[rows * pointStride()];
    this.chunkSums = new float[rows * pointStride()];
    this.logits = new float[rows * logitStride()];
    this.output = new float[dimension];
    this.lanes = new float[rows * LANES];
    this.quadratic = new float[rows];
    this.largest = new float[rows];
    this.likeliest = new int[rows];
    this.rescale = new float[rows];
    this.total = new float[rows];
    this.totalPrecision = new float[rows];
    this.totalContraction = new float[rows];
    this.outside = new int[rows];
  }

  /** The number of rows of a block for these means. */
  static int rowsOf(FloatBlockedMeans means) {
    int elements = chunkOf(means) + 3 * means.paddedDimension();
    int tiles = BLOCK_ELEMENTS / (FloatBlockedTile.ROWS * elements);
    return Math.clamp((long) tiles * FloatBlockedTile.ROWS, FloatBlockedTile.ROWS, LARGEST_ROWS);
  }

  private static int chunkOf(FloatBlockedMeans means) {
    return Math.min(means.paddedComponents(), LARGEST_CHUNK);
  }

  /** Whether this scratch was made for the shape of these means. */
  boolean fits(FloatBlockedMeans means) {
    return dimension == means.paddedDimension() && chunk == chunkOf(means);
  }

  /** The number of rows of a block. */
  int rows() {
    return rows;
  }

  /** The number of components of a chunk, whole panels. */
  int chunk() {
    return chunk;
  }

  /** The distance of two rows of points, inputs or sums. */
  int pointStride() {
    return dimension + LANES;
  }

  /** The distance of two rows of logits. */
  int logitStride() {
    return chunk + LANES;
  }

  void clearOutside() {
    outsideCount = 0;
  }

  void addOutside(int row) {
    outside[outsideCount++] = row;
  }

  /** The number of rows of the last block that the kernel left to the difference form. */
  int outsideCount() {
    return outsideCount;
  }

  /** The i-th of those rows, counted from the first row of the block. */
  int outside(int i) {
    return outside[i];
  }
}
