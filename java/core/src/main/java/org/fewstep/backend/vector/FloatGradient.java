package org.fewstep.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.network.NetworkShape;

/**
 * The gradient in the parameters of a shape, summed over the points of a run. The products of
 * slopes and inputs that make it up are sums over points, which stand in the lanes: one factor is
 * transposed, the one by which less is padded.
 */
final class FloatGradient {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  /** One transposed panel: GROUP points by GROUP coordinates. */
  private static final int PANEL = GROUP * GROUP;

  private final NetworkShape shape;

  /** Whether the sums of a layer's weights are [in, out], the slopes transposed. */
  private final boolean[] swapped;

  /** The sums of the weights of each layer, rows padded to strips and columns to groups. */
  private final float[][] weights;

  /** The sums of the biases of each layer, [out, LENGTH]: lane by lane. */
  private final float[][] biases;

  private final float[] scratch = new float[FloatTranspose.SCRATCH];

  /** The transposed factor, {@code [groups][panels][GROUP points][GROUP coordinates]}. */
  private float[] transposed = new float[0];

  FloatGradient(NetworkShape shape) {
    this.shape = shape;
    int layers = shape.layers();
    swapped = new boolean[layers];
    weights = new float[layers][];
    biases = new float[layers][];
    for (int l = 0; l < layers; l++) {
      long straight = elements(shape.width(l), shape.width(l - 1));
      long crosswise = elements(shape.width(l - 1), shape.width(l));
      swapped[l] = crosswise < straight;
      weights[l] = new float[Math.toIntExact(Math.min(straight, crosswise))];
      biases[l] = new float[shape.width(l) * LENGTH];
    }
  }

  private static long elements(int rows, int columns) {
    return (long) FloatMatrixTile.padded(rows) * paddedColumns(columns);
  }

  private static int paddedColumns(int columns) {
    return Math.ceilDiv(columns, GROUP) * GROUP;
  }

  void clear() {
    for (int l = 0; l < weights.length; l++) {
      Arrays.fill(weights[l], 0f);
      Arrays.fill(biases[l], 0f);
    }
  }

  /**
   * Adds the share of some points in the gradient of a layer.
   *
   * @param slopes the derivatives in z, zero in the lanes behind the last point
   * @param inputs of the layer
   * @param stride the distance of two groups of both; both arrays go on for a vector of coordinates
   *     behind the last group
   */
  void add(int layer, float[] slopes, float[] inputs, int stride, int points) {
    addBiases(slopes, stride, Math.ceilDiv(points, GROUP), biases[layer]);
    if (swapped[layer]) {
      addProducts(
          layer, inputs, shape.width(layer - 1), slopes, shape.width(layer), stride, points);
    } else {
      addProducts(
          layer, slopes, shape.width(layer), inputs, shape.width(layer - 1), stride, points);
    }
  }

  private static void addBiases(float[] slopes, int stride, int groups, float[] sums) {
    for (int o = 0; o < sums.length / LENGTH; o++) {
      FloatVector sum = FloatVector.fromArray(SPECIES, sums, o * LENGTH);
      for (int g = 0; g < groups; g++) {
        int at = g * stride + o * GROUP;
        sum =
            sum.add(
                FloatVector.fromArray(SPECIES, slopes, at)
                    .add(FloatVector.fromArray(SPECIES, slopes, at + LENGTH)));
      }
      sum.intoArray(sums, o * LENGTH);
    }
  }

  private void addProducts(
      int layer, float[] left, int rows, float[] right, int columns, int stride, int points) {
    int groups = Math.ceilDiv(points, GROUP);
    int panels = Math.ceilDiv(columns, GROUP);
    transposed = FloatTile.grown(transposed, groups * panels * PANEL);
    for (int g = 0; g < groups; g++) {
      for (int panel = 0; panel < panels; panel++) {
        int coordinates = Math.min(GROUP, columns - panel * GROUP);
        transpose(right, g * stride + panel * PANEL, coordinates, (g * panels + panel) * PANEL);
      }
    }
    float[] sums = weights[layer];
    for (int panel = 0; panel < panels; panel++) {
      for (int row = 0; row < rows; row += FloatMatrixTile.ROWS) {
        FloatGradientTile.add(
            FloatMatrixTile.height(row, rows),
            left,
            row * GROUP,
            stride,
            transposed,
            panel * PANEL,
            panels * PANEL,
            points,
            sums,
            (row * panels + panel) * GROUP,
            panels * GROUP);
      }
    }
  }

  private void transpose(float[] right, int from, int coordinates, int to) {
    for (int i = 0; i < coordinates; i += LENGTH) {
      for (int point = 0; point < GROUP; point += LENGTH) {
        FloatTranspose.block(
            right,
            from + i * GROUP + point,
            GROUP,
            transposed,
            to + point * GROUP + i,
            GROUP,
            scratch);
      }
    }
  }

  /** Writes the sums in the order of the shape, from {@code at} on. */
  void store(float[] to, int at) {
    for (int l = 0; l < weights.length; l++) {
      int in = shape.width(l - 1);
      int out = shape.width(l);
      int from = at + shape.weightOffset(l);
      if (swapped[l]) {
        int columns = paddedColumns(out);
        for (int o = 0; o < out; o++) {
          for (int i = 0; i < in; i++) {
            to[from + o * in + i] = weights[l][i * columns + o];
          }
        }
      } else {
        int columns = paddedColumns(in);
        for (int o = 0; o < out; o++) {
          System.arraycopy(weights[l], o * columns, to, from + o * in, in);
        }
      }
      for (int o = 0; o < out; o++) {
        to[at + shape.biasOffset(l) + o] = sumOfLanes(biases[l], o * LENGTH);
      }
    }
  }

  /** In order: a reduction by the Vector API may add in any. */
  private static float sumOfLanes(float[] values, int from) {
    float sum = 0;
    for (int lane = 0; lane < LENGTH; lane++) {
      sum += values[from + lane];
    }
    return sum;
  }
}
