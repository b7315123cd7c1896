package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Log-density, score, posterior mean and responsibilities of a mixture in expanded form, as two
 * matrix products with a softmax between them while the logits are in cache:
 *
 * <pre>
 *   Z = starts + X nu^T          [rows, K], lanes over components
 *   R = exp2(Z - max Z)          not normalised: the sum of a row divides it at the very end
 *   M = R nu                     [rows, d], lanes over coordinates
 *   score = p M + q X            row by row
 * </pre>
 *
 * <p>A block of rows goes through all components, a chunk of them at a time with a running maximum,
 * so [n, K] never exists. Rows that fill up the last tile of a block take part in the products and
 * are then dropped; thus every row takes the same operations in the same order wherever it stands,
 * and its bits do not depend on the batch.
 *
 * <p>Rows outside the a-priori radius of {@link FloatBlockedMixture}, and those with a NaN, are not
 * written: the scratch names them to the caller, who has the difference form do them.
 */
final class FloatBlockedValue {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LANES = FloatLanes.LENGTH;
  private static final int ROWS = FloatBlockedTile.ROWS;
  private static final int COLUMNS = FloatBlockedTile.COLUMNS;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final double LN_2 = Math.log(2);

  /** Products in a chain of the weighted means: their terms do not cancel, so it may be longer. */
  private static final int MEAN_CHAIN = 32;

  private static final float[] ZERO_START = new float[COLUMNS];

  private FloatBlockedValue() {}

  /**
   * Evaluates a block of rows. Outputs that are null are not written; an output may be x itself.
   *
   * @param scratch that {@linkplain FloatBlockedScratch#fits fits} the mixture
   * @param x [n,d]
   * @param first the first row of the block
   * @param rows at most {@link FloatBlockedScratch#rows}
   * @param logDensity [n]
   * @param score [n,d]
   * @param posteriorMean [n,d]
   * @param responsibilities [n,K]
   * @return the number of rows left to the difference form, see {@link FloatBlockedScratch#outside}
   */
  static int evaluate(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      MemorySegment x,
      long first,
      int rows,
      MemorySegment logDensity,
      MemorySegment score,
      MemorySegment posteriorMean,
      MemorySegment responsibilities) {
    start(mixture, scratch, x, first, rows);
    boolean wantsMeans = score != null || posteriorMean != null;
    int components = mixture.means().paddedComponents();
    for (int chunk = 0; chunk < components; chunk += scratch.chunk()) {
      int length = Math.min(scratch.chunk(), components - chunk);
      logits(mixture, scratch, rows, chunk, length);
      weights(mixture, scratch, rows, chunk, length, logDensity != null);
      if (responsibilities != null) {
        storeWeights(mixture, scratch, responsibilities, first, rows, chunk, length);
      }
      if (wantsMeans) {
        if (!mixture.shared()) {
          weighByPrecision(mixture, scratch, rows, chunk, length);
        }
        addMeans(mixture, scratch, rows, chunk, length);
      }
    }
    for (int row = 0; row < rows; row++) {
      if (scratch.quadratic[row] <= mixture.largestQuadratic()) {
        store(
            mixture, scratch, row, first + row, logDensity, score, posteriorMean, responsibilities);
      }
    }
    return scratch.outsideCount();
  }

  // ---- points

  private static void start(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      MemorySegment x,
      long first,
      int rows) {
    scratch.clearOutside();
    for (int row = 0; row < rows; row++) {
      load(mixture, scratch, x, first + row, row);
    }
    for (int row = 0; row < rows; row++) {
      float quadratic = FloatBlockedSoftmax.addLanes(scratch.lanes, row * LANES);
      scratch.quadratic[row] = quadratic;
      // Written so that NaN is outside.
      if (!(quadratic <= mixture.largestQuadratic())) {
        scratch.addOutside(row);
      }
    }
    Arrays.fill(scratch.inputs, rows * scratch.pointStride(), scratch.inputs.length, 0f);
    Arrays.fill(scratch.largest, Float.NEGATIVE_INFINITY);
    Arrays.fill(scratch.total, 0f);
    Arrays.fill(scratch.totalPrecision, 0f);
    Arrays.fill(scratch.totalContraction, 0f);
    Arrays.fill(scratch.sums, 0f);
  }

  /**
   * Centres a row, scales it for the logits, and sums its quadratic form lane by lane. Coordinates
   * that pad it stay zero. Rows pass between memory and arrays by copies: vectors read from and
   * written to heap segments are boxed.
   */
  private static void load(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      MemorySegment x,
      long memoryRow,
      int row) {
    int dimension = mixture.means().dimension();
    int from = row * scratch.pointStride();
    long offset = memoryRow * dimension * Float.BYTES;
    MemorySegment.copy(x, ELEMENT, offset, scratch.points, from, dimension);
    FloatVector quadratic = FloatVector.zero(SPECIES);
    for (int j = 0; j < dimension; j += LANES) {
      FloatVector centred =
          FloatVector.fromArray(SPECIES, scratch.points, from + j)
              .sub(FloatVector.fromArray(SPECIES, mixture.centreHigh(), j))
              .sub(FloatVector.fromArray(SPECIES, mixture.centreLow(), j));
      centred.intoArray(scratch.points, from + j);
      centred
          .mul(FloatVector.fromArray(SPECIES, mixture.input(), j))
          .intoArray(scratch.inputs, from + j);
      quadratic =
          centred
              .mul(FloatVector.fromArray(SPECIES, mixture.quadratic(), j))
              .fma(centred, quadratic);
    }
    quadratic.intoArray(scratch.lanes, row * LANES);
  }

  // ---- products

  /** Logits of a chunk of components; a panel of means stays in cache while all rows meet it. */
  private static void logits(
      FloatBlockedMixture mixture, FloatBlockedScratch scratch, int rows, int chunk, int length) {
    FloatBlockedMeans means = mixture.means();
    int dimension = means.dimension();
    for (int column = 0; column < length; column += COLUMNS) {
      for (int row = 0; row < rows; row += ROWS) {
        FloatBlockedTile.multiply(
            scratch.inputs,
            row * scratch.pointStride(),
            scratch.pointStride(),
            means.componentPanels(),
            (chunk + column) * dimension,
            dimension,
            means.chain(),
            mixture.chainStarts(),
            chunk + column,
            means.paddedComponents(),
            scratch.logits,
            row * scratch.logitStride() + column,
            scratch.logitStride());
      }
    }
  }

  /** Weighted means of a chunk of components, added to those of the chunks before. */
  private static void addMeans(
      FloatBlockedMixture mixture, FloatBlockedScratch scratch, int rows, int chunk, int length) {
    FloatBlockedMeans means = mixture.means();
    int components = means.paddedComponents();
    float[] target = length == components ? scratch.sums : scratch.chunkSums;
    for (int column = 0; column < means.paddedDimension(); column += COLUMNS) {
      for (int row = 0; row < rows; row += ROWS) {
        FloatBlockedTile.multiply(
            scratch.logits,
            row * scratch.logitStride(),
            scratch.logitStride(),
            means.coordinatePanels(),
            column * components + chunk * COLUMNS,
            length,
            MEAN_CHAIN,
            ZERO_START,
            0,
            0,
            target,
            row * scratch.pointStride() + column,
            scratch.pointStride());
      }
    }
    if (target != scratch.sums) {
      mergeMeans(scratch, rows);
    }
  }

  /** {@code sums = rescale sums + chunkSums}. */
  private static void mergeMeans(FloatBlockedScratch scratch, int rows) {
    for (int row = 0; row < rows; row++) {
      FloatVector rescale = FloatVector.broadcast(SPECIES, scratch.rescale[row]);
      int from = row * scratch.pointStride();
      for (int j = from; j < from + scratch.pointStride(); j += LANES) {
        FloatVector.fromArray(SPECIES, scratch.sums, j)
            .fma(rescale, FloatVector.fromArray(SPECIES, scratch.chunkSums, j))
            .intoArray(scratch.sums, j);
      }
    }
  }

  // ---- softmax

  /**
   * Turns the logits of a chunk into weights relative to the largest logit so far. In two passes
   * over the rows: reductions of one row are slow, but those of several rows overlap.
   */
  private static void weights(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      int rows,
      int chunk,
      int length,
      boolean wantsLikeliest) {
    float[] logits = scratch.logits;
    for (int row = 0; row < rows; row++) {
      int from = row * scratch.logitStride();
      if (!mixture.shared()) {
        float shift = scratch.quadratic[row];
        FloatBlockedSoftmax.scale(
            logits, from, length, shift, mixture.gain(), mixture.logWeight(), chunk);
      }
      float before = scratch.largest[row];
      float largest = FloatBlockedSoftmax.largest(logits, from, length, before);
      scratch.largest[row] = largest;
      scratch.rescale[row] = chunk == 0 ? 0f : exp2(before - largest);
      if (wantsLikeliest && largest > before) {
        scratch.likeliest[row] = chunk + FloatBlockedSoftmax.indexOf(logits, from, length, largest);
      }
    }
    for (int row = 0; row < rows; row++) {
      FloatBlockedSoftmax.exponentials(
          logits,
          row * scratch.logitStride(),
          length,
          scratch.largest[row],
          scratch.lanes,
          row * LANES);
    }
    addToTotals(scratch, rows, scratch.total);
  }

  /** {@code totals = rescale totals + sum of lanes}, row by row. */
  private static void addToTotals(FloatBlockedScratch scratch, int rows, float[] totals) {
    for (int row = 0; row < rows; row++) {
      float sum = FloatBlockedSoftmax.addLanes(scratch.lanes, row * LANES);
      totals[row] = Math.fma(scratch.rescale[row], totals[row], sum);
    }
  }

  private static float exp2(float exponent) {
    return FloatExp.exp2(FloatVector.broadcast(SPECIES, exponent)).lane(0);
  }

  /**
   * Where covariances differ, the means and the point of component k count by r_k/lambda_k, and the
   * point's share of the posterior mean by r_k alpha sigma_k^2/lambda_k.
   */
  private static void weighByPrecision(
      FloatBlockedMixture mixture, FloatBlockedScratch scratch, int rows, int chunk, int length) {
    dot(scratch, rows, mixture.precision(), chunk, length);
    addToTotals(scratch, rows, scratch.totalPrecision);
    dot(scratch, rows, mixture.contraction(), chunk, length);
    addToTotals(scratch, rows, scratch.totalContraction);
    for (int row = 0; row < rows; row++) {
      FloatBlockedSoftmax.multiply(
          scratch.logits, row * scratch.logitStride(), length, mixture.precision(), chunk);
    }
  }

  private static void dot(
      FloatBlockedScratch scratch, int rows, float[] factors, int chunk, int length) {
    for (int row = 0; row < rows; row++) {
      FloatBlockedSoftmax.dot(
          scratch.logits,
          row * scratch.logitStride(),
          length,
          factors,
          chunk,
          scratch.lanes,
          row * LANES);
    }
  }

  // ---- outputs

  private static void store(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      int row,
      long memoryRow,
      MemorySegment logDensity,
      MemorySegment score,
      MemorySegment posteriorMean,
      MemorySegment responsibilities) {
    if (logDensity != null) {
      logDensity.set(ELEMENT, memoryRow * Float.BYTES, (float) logDensity(mixture, scratch, row));
    }
    if (score != null) {
      storeScore(mixture, scratch, row, memoryRow, score);
    }
    if (posteriorMean != null) {
      storePosteriorMean(mixture, scratch, row, memoryRow, posteriorMean);
    }
    if (responsibilities != null) {
      long from = memoryRow * mixture.means().components();
      scaleWeights(responsibilities, from, mixture.means().components(), 1 / scratch.total[row]);
    }
  }

  /**
   * log p, with the logit of the likeliest component, of responsibility r, done again by
   * differences: its error is the greater part of that of the sum.
   *
   * <pre>
   *   log p = l + log(sum) + r (exact - l) + constant
   * </pre>
   */
  private static double logDensity(
      FloatBlockedMixture mixture, FloatBlockedScratch scratch, int row) {
    double expanded = LN_2 * scratch.largest[row] - (mixture.shared() ? scratch.quadratic[row] : 0);
    double total = scratch.total[row];
    double correction = logitByDifferences(mixture, scratch, row) - expanded;
    return expanded + correction / total + Math.log(total) + mixture.logConstant();
  }

  /** {@code c_k - sum_j (x'_j - alpha nu_kj)^2 / (2 lambda_j)} for the likeliest component k. */
  private static double logitByDifferences(
      FloatBlockedMixture mixture, FloatBlockedScratch scratch, int row) {
    int component = scratch.likeliest[row];
    FloatBlockedMeans means = mixture.means();
    FloatVector high = FloatVector.broadcast(SPECIES, -mixture.alpha());
    FloatVector low = FloatVector.broadcast(SPECIES, -mixture.alphaLow());
    FloatVector sum = FloatVector.zero(SPECIES);
    int from = row * scratch.pointStride();
    int nu = component * COLUMNS;
    for (int j = 0; j < means.paddedDimension(); j += COLUMNS) {
      for (int half = 0; half < COLUMNS; half += LANES) {
        FloatVector mean = FloatVector.fromArray(SPECIES, means.coordinatePanels(), nu + half);
        FloatVector difference =
            mean.fma(
                low,
                mean.fma(high, FloatVector.fromArray(SPECIES, scratch.points, from + j + half)));
        sum =
            difference
                .mul(FloatVector.fromArray(SPECIES, mixture.quadratic(), j + half))
                .fma(difference, sum);
      }
      nu += means.paddedComponents() * COLUMNS;
    }
    sum.intoArray(scratch.lanes, 0);
    double precision = mixture.shared() ? 1 : mixture.precision()[component];
    return LN_2 * mixture.logWeight()[component]
        - precision * FloatBlockedSoftmax.addLanes(scratch.lanes, 0);
  }

  /** {@code (alpha E - p x') / lambda}, with E the weighted mean and p the row's mean precision. */
  private static void storeScore(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      int row,
      long memoryRow,
      MemorySegment score) {
    float inverse = 1 / scratch.total[row];
    FloatVector scale = FloatVector.broadcast(SPECIES, inverse);
    FloatVector alpha = FloatVector.broadcast(SPECIES, mixture.alpha());
    FloatVector point =
        FloatVector.broadcast(
            SPECIES, mixture.shared() ? -1f : -(scratch.totalPrecision[row] * inverse));
    int from = row * scratch.pointStride();
    for (int j = 0; j < mixture.means().dimension(); j += LANES) {
      FloatVector.fromArray(SPECIES, scratch.sums, from + j)
          .mul(scale)
          .fma(alpha, FloatVector.fromArray(SPECIES, scratch.points, from + j).mul(point))
          .mul(FloatVector.fromArray(SPECIES, mixture.scorePrecision(), j))
          .intoArray(scratch.output, j);
    }
    storeOutput(mixture, scratch, score, memoryRow);
  }

  /** {@code c + posteriorOfMean E + posteriorOfPoint g x'}, with g the row's mean contraction. */
  private static void storePosteriorMean(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      int row,
      long memoryRow,
      MemorySegment posteriorMean) {
    float inverse = 1 / scratch.total[row];
    FloatVector scale = FloatVector.broadcast(SPECIES, inverse);
    FloatVector point =
        FloatVector.broadcast(
            SPECIES, mixture.shared() ? 1f : scratch.totalContraction[row] * inverse);
    int from = row * scratch.pointStride();
    for (int j = 0; j < mixture.means().dimension(); j += LANES) {
      FloatVector ofPoint =
          FloatVector.fromArray(SPECIES, scratch.points, from + j)
              .mul(point)
              .fma(
                  FloatVector.fromArray(SPECIES, mixture.posteriorOfPoint(), j),
                  FloatVector.fromArray(SPECIES, mixture.posteriorCentre(), j));
      FloatVector.fromArray(SPECIES, scratch.sums, from + j)
          .mul(scale)
          .fma(FloatVector.fromArray(SPECIES, mixture.posteriorOfMean(), j), ofPoint)
          .intoArray(scratch.output, j);
    }
    storeOutput(mixture, scratch, posteriorMean, memoryRow);
  }

  private static void storeOutput(
      FloatBlockedMixture mixture, FloatBlockedScratch scratch, MemorySegment memory, long row) {
    int dimension = mixture.means().dimension();
    long offset = row * dimension * Float.BYTES;
    MemorySegment.copy(scratch.output, 0, memory, ELEMENT, offset, dimension);
  }

  /**
   * Writes the weights of a chunk as they are, and brings those of the chunks before to the new
   * largest logit. Rows that are left to the difference form are written too, and overwritten then.
   */
  private static void storeWeights(
      FloatBlockedMixture mixture,
      FloatBlockedScratch scratch,
      MemorySegment responsibilities,
      long first,
      int rows,
      int chunk,
      int length) {
    int components = mixture.means().components();
    int count = Math.min(length, components - chunk);
    for (int row = 0; row < rows; row++) {
      long from = (first + row) * components;
      if (chunk > 0) {
        scaleWeights(responsibilities, from, chunk, scratch.rescale[row]);
      }
      MemorySegment.copy(
          scratch.logits,
          row * scratch.logitStride(),
          responsibilities,
          ELEMENT,
          (from + chunk) * Float.BYTES,
          count);
    }
  }

  private static void scaleWeights(MemorySegment weights, long from, int count, float factor) {
    for (long i = from; i < from + count; i++) {
      weights.setAtIndex(ELEMENT, i, factor * weights.getAtIndex(ELEMENT, i));
    }
  }
}
