package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.backend.Batch;
import org.fewstep.backend.WorkerPool;

/**
 * The sums of {@link org.fewstep.backend.Backend#steinSums}, in float64. A task of the pool is a
 * run of elements, of a length that follows from the batch alone; its lanes are added up in order
 * when it is done, and the runs when all are.
 */
final class FloatSteinTask implements WorkerPool.Task {

  private static final VectorSpecies<Double> WIDE = DoubleVector.SPECIES_PREFERRED;
  private static final int LENGTH = WIDE.length();

  // float32-only begin
  /** As many lanes as {@link #WIDE} has. */
  private static final VectorSpecies<Float> NARROW =
      VectorSpecies.of(float.class, VectorShape.forBitSize(LENGTH * Float.SIZE));

  // float32-only end

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfDouble SUM = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private static final int SUMS = 3;

  /** Elements on their way through arrays: a multiple of two vectors. */
  private static final int CHUNK = 1024;

  private static final int LEAST_CHUNKS = 16;
  private static final int MOST_RUNS = 512;

  private final FloatTile[] tiles;

  /** The sums of all runs, {@code [runs][SUMS]}. */
  private final double[] parts = new double[MOST_RUNS * SUMS];

  private MemorySegment x;
  private MemorySegment u;
  private MemorySegment divergence;
  private long elements;
  private long rows;
  private long runElements;
  private long runRows;

  FloatSteinTask(FloatTile[] tiles) {
    this.tiles = tiles;
  }

  void prepare(Batch points, Batch displacements, Batch divergences) {
    x = points.memory();
    u = displacements.memory();
    divergence = divergences.memory();
    rows = points.rows();
    elements = rows * points.columns();
    long chunks = Math.ceilDiv(elements, (long) CHUNK);
    runElements = Math.max(LEAST_CHUNKS, Math.ceilDiv(chunks, (long) MOST_RUNS)) * CHUNK;
    runRows = Math.ceilDiv(rows, Math.max(1L, runs()));
  }

  /** Forgets the batches of the call. */
  void clear() {
    x = null;
    u = null;
    divergence = null;
  }

  /** The number of runs of elements, of which each has a share of the rows as well. */
  int runs() {
    return (int) Math.ceilDiv(elements, runElements);
  }

  /** Writes the sums of all runs. */
  void storeSums(MemorySegment sums) {
    for (int s = 0; s < SUMS; s++) {
      double sum = 0;
      for (int run = 0; run < runs(); run++) {
        sum += parts[run * SUMS + s];
      }
      sums.setAtIndex(SUM, s, sum);
    }
  }

  @Override
  public void run(int worker, long firstRun, long endRun) {
    FloatTile tile = tiles[worker];
    tile.reserveSums(CHUNK);
    for (long run = firstRun; run < endRun; run++) {
      Arrays.fill(tile.numbers, 0, 2 * SUMS * LENGTH, 0);
      long end = Math.min((run + 1) * runElements, elements);
      for (long e = run * runElements; e < end; e += CHUNK) {
        int length = (int) Math.min(CHUNK, end - e);
        read(x, e, length, tile.x);
        addProducts(tile.x, read(u, e, length, tile.direction), tile.numbers, length);
      }
      end = Math.min((run + 1) * runRows, rows);
      for (long row = run * runRows; row < end; row += CHUNK) {
        int length = (int) Math.min(CHUNK, end - row);
        add(read(divergence, row, length, tile.x), tile.numbers, length);
      }
      for (int s = 0; s < SUMS; s++) {
        parts[(int) run * SUMS + s] = sum(tile.numbers, 2 * s * LENGTH);
      }
    }
  }

  /** Reads some numbers, and zeros behind them up to a multiple of two vectors. */
  private static float[] read(MemorySegment memory, long first, int length, float[] to) {
    MemorySegment.copy(memory, ELEMENT, first * Float.BYTES, to, 0, length);
    Arrays.fill(to, length, Math.ceilDiv(length, 2 * LENGTH) * 2 * LENGTH, 0f);
    return to;
  }

  /** Adds products to the lanes of the first sum, and squares to those of the second. */
  private static void addProducts(float[] points, float[] displacements, double[] to, int length) {
    DoubleVector evenProducts = DoubleVector.fromArray(WIDE, to, 0);
    DoubleVector oddProducts = DoubleVector.fromArray(WIDE, to, LENGTH);
    DoubleVector evenSquares = DoubleVector.fromArray(WIDE, to, 2 * LENGTH);
    DoubleVector oddSquares = DoubleVector.fromArray(WIDE, to, 3 * LENGTH);
    for (int i = 0; i < length; i += 2 * LENGTH) {
      DoubleVector even = wide(displacements, i);
      DoubleVector odd = wide(displacements, i + LENGTH);
      evenProducts = even.fma(wide(points, i), evenProducts);
      oddProducts = odd.fma(wide(points, i + LENGTH), oddProducts);
      evenSquares = even.fma(even, evenSquares);
      oddSquares = odd.fma(odd, oddSquares);
    }
    evenProducts.intoArray(to, 0);
    oddProducts.intoArray(to, LENGTH);
    evenSquares.intoArray(to, 2 * LENGTH);
    oddSquares.intoArray(to, 3 * LENGTH);
  }

  /** Adds numbers to the lanes of the third sum. */
  private static void add(float[] numbers, double[] to, int length) {
    DoubleVector even = DoubleVector.fromArray(WIDE, to, 4 * LENGTH);
    DoubleVector odd = DoubleVector.fromArray(WIDE, to, 5 * LENGTH);
    for (int i = 0; i < length; i += 2 * LENGTH) {
      even = even.add(wide(numbers, i));
      odd = odd.add(wide(numbers, i + LENGTH));
    }
    even.intoArray(to, 4 * LENGTH);
    odd.intoArray(to, 5 * LENGTH);
  }

  /** A vector in float64. */
  private static DoubleVector wide(float[] numbers, int from) {
    // float32-only begin
    FloatVector narrow = FloatVector.fromArray(NARROW, numbers, from);
    return (DoubleVector) narrow.convertShape(VectorOperators.F2D, WIDE, 0);
    // float32-only end
    // float64: return DoubleVector.fromArray(WIDE, numbers, from);
  }

  /** Adds up the lanes of two vectors, in order: {@code reduceLanes} leaves the order open. */
  private static double sum(double[] lanes, int from) {
    double sum = 0;
    for (int lane = from; lane < from + 2 * LENGTH; lane++) {
      sum += lanes[lane];
    }
    return sum;
  }
}
