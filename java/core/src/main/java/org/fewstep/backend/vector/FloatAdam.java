package org.fewstep.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Batch;

/** Steps of Adam, see {@link AdamStep}: chunk by chunk through arrays. */
final class FloatAdam {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private static final int CHUNK = 1024;

  /** Sums that hide each other's latency. */
  private static final int SUMS = 8;

  private final float[] parameters = new float[CHUNK];
  private final float[] gradient = new float[CHUNK];
  private final float[] mean = new float[CHUNK];
  private final float[] square = new float[CHUNK];

  /** The sums of squares are float64 whatever the precision. */
  private final double[] sums = new double[SUMS];

  private float factor;
  private float meanDecay;
  private float meanShare;
  private float squareDecay;
  private float squareShare;
  private float meanScale;
  private float squareScale;
  private float epsilon;
  private float learningRate;
  private float weightDecay;

  /** One step. */
  void step(AdamStep step, Batch parameterBatch, Batch gradientBatch, Batch means, Batch squares) {
    int count = parameterBatch.columns();
    double norm = norm(gradientBatch.memory(), count);
    setConstants(step, norm);
    for (int first = 0; first < count; first += CHUNK) {
      int length = Math.min(CHUNK, count - first);
      read(parameterBatch, first, parameters, length);
      read(gradientBatch, first, gradient, length);
      read(means, first, mean, length);
      read(squares, first, square, length);
      chunk(length);
      write(parameters, parameterBatch, first, length);
      write(mean, means, first, length);
      write(square, squares, first, length);
    }
  }

  private static void read(Batch batch, int first, float[] to, int length) {
    MemorySegment.copy(batch.memory(), ELEMENT, (long) first * Float.BYTES, to, 0, length);
  }

  private static void write(float[] from, Batch batch, int first, int length) {
    MemorySegment.copy(from, 0, batch.memory(), ELEMENT, (long) first * Float.BYTES, length);
  }

  private double norm(MemorySegment memory, int count) {
    Arrays.fill(sums, 0);
    for (int first = 0; first < count; first += CHUNK) {
      int length = Math.min(CHUNK, count - first);
      MemorySegment.copy(memory, ELEMENT, (long) first * Float.BYTES, gradient, 0, length);
      Arrays.fill(gradient, length, Math.ceilDiv(length, SUMS) * SUMS, 0f);
      addSquares(length);
    }
    double sum = 0;
    for (double part : sums) {
      sum += part;
    }
    return Math.sqrt(sum);
  }

  private void addSquares(int length) {
    for (int i = 0; i < length; i += SUMS) {
      for (int j = 0; j < SUMS; j++) {
        double g = gradient[i + j];
        sums[j] += g * g;
      }
    }
  }

  private void setConstants(AdamStep step, double norm) {
    double clip = norm > step.clipNorm() ? step.clipNorm() / norm : 1;
    factor = norm < Double.POSITIVE_INFINITY ? (float) clip : Float.NaN;
    meanDecay = (float) step.beta1();
    meanShare = (float) (1 - step.beta1());
    squareDecay = (float) step.beta2();
    squareShare = (float) (1 - step.beta2());
    meanScale = (float) (1 / step.meanCorrection());
    squareScale = (float) (1 / step.squareCorrection());
    epsilon = (float) step.epsilon();
    learningRate = (float) step.learningRate();
    weightDecay = (float) step.weightDecay();
  }

  private void chunk(int length) {
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector g = FloatVector.fromArray(SPECIES, gradient, i).mul(factor);
      FloatVector m = FloatVector.fromArray(SPECIES, mean, i).mul(meanDecay).add(g.mul(meanShare));
      FloatVector v =
          FloatVector.fromArray(SPECIES, square, i).mul(squareDecay).add(g.mul(g).mul(squareShare));
      m.intoArray(mean, i);
      v.intoArray(square, i);
      FloatVector p = FloatVector.fromArray(SPECIES, parameters, i);
      FloatVector direction = m.mul(meanScale).div(v.mul(squareScale).sqrt().add(epsilon));
      p.sub(direction.add(p.mul(weightDecay)).mul(learningRate)).intoArray(parameters, i);
    }
  }
}
