package org.fewstep.backend.vector;

import java.util.Arrays;

/**
 * The scratch of one worker for networks: a tile of points, what is known of them, and the layers
 * in work. Grown on the first call that needs more, then reused.
 */
final class FloatNetworkScratch {

  private static final int GROUP = FloatLanes.GROUP;

  /**
   * Elements that the points of a tile take in a layer: they and the next layer's stay in cache.
   */
  private static final int TARGET_ELEMENTS = 8192;

  /** What is read or written, but not used, behind the last group: a vector of coordinates. */
  private static final int SLACK = FloatLanes.LENGTH * GROUP;

  /** Points that a sparse layer takes at once. */
  private static final int BLOCK = FloatSparseMap.BLOCK * GROUP;

  private static final int LEAST_ROWS = 64;
  private static final int MOST_ROWS = 512;

  /**
   * From here on the weights of a layer are in no cache of a core: they serve many rows at once.
   */
  private static final int WIDE = 192;

  private static final int WIDE_ROWS = 256;

  /** Inputs x, directions v and cotangents w of a tile, {@code [groups][columns][GROUP]}. */
  float[] x = new float[0];

  float[] direction = new float[0];
  float[] cotangent = new float[0];

  /** An axis or a probe for every point, in the shape of x. */
  float[] axis = new float[0];

  /** What comes out of the network, in the shape of y or of x. */
  float[] result = new float[0];

  /** The affine parts of all layers, see {@link FloatLayers}. */
  float[] affine = new float[0];

  /** The inputs of the layer in work, and its outputs. */
  float[] one = new float[0];

  float[] other = new float[0];

  /** In training, the inputs of the layer whose gradient is in work. */
  float[] inputs = new float[0];

  /** In training, what is saved of a ragged group. */
  float[] ragged = new float[0];

  /** A number per point: the divergence. */
  float[] trace = new float[0];

  /** Zero, or NaN for a point that is not finite or has no valid time. */
  float[] faults = new float[0];

  /** The same for points whose direction or cotangent is at fault. */
  float[] moreFaults = new float[0];

  /** Copies rows in and out. */
  final FloatPanels panels = new FloatPanels();

  /** The distance of two groups in {@link #one} and {@link #other}. */
  int stride;

  /** The points of a tile of a network of that width: whole groups. */
  static int rows(int width) {
    int rows =
        width > WIDE ? WIDE_ROWS : Math.clamp(TARGET_ELEMENTS / width, LEAST_ROWS, MOST_ROWS);
    return Math.max(1, rows / BLOCK) * BLOCK;
  }

  /** Makes room for tiles of that many points with x, y and the layers between. */
  void reserve(FloatLayers layers, int columns, int rows) {
    stride = layers.width() * GROUP;
    int groups = rows / GROUP;
    int widest = Math.max(columns, layers.outputs());
    panels.reserve(rows * widest);
    x = FloatTile.grown(x, rows * columns + SLACK);
    result = FloatTile.grown(result, rows * widest + SLACK);
    one = FloatTile.grown(one, groups * stride + SLACK);
    other = FloatTile.grown(other, groups * stride + SLACK);
    trace = FloatTile.grown(trace, rows);
    faults = FloatTile.grown(faults, rows);
    moreFaults = FloatTile.grown(moreFaults, rows);
  }

  /** Makes room for derivatives as well. */
  void reserveDerivatives(FloatLayers layers, int columns, int rows) {
    direction = FloatTile.grown(direction, rows * columns + SLACK);
    cotangent = FloatTile.grown(cotangent, rows * layers.outputs() + SLACK);
    axis = FloatTile.grown(axis, rows * columns);
    affine = FloatTile.grown(affine, rows / GROUP * layers.affineStride());
  }

  /** Makes room for the training of a network. */
  void reserveTraining(FloatTrainee network) {
    int rows = network.tileRows();
    reserve(network.layers, network.inputs(), rows);
    reserveDerivatives(network.layers, network.inputs(), rows);
    panels.reserve(GROUP * network.hidden());
    inputs = FloatTile.grown(inputs, rows / GROUP * stride + SLACK);
    ragged = FloatTile.grown(ragged, network.hidden() * GROUP + SLACK);
  }

  /** Finds the points that are not finite. */
  void findFaults(int columns, int groups) {
    Arrays.fill(faults, 0, groups * GROUP, 0f);
    FloatFrame.findFaults(x, columns, faults, groups);
  }

  /** The faults, and those of other vectors of the same points. */
  float[] faultsWith(float[] vectors, int columns, int groups) {
    System.arraycopy(faults, 0, moreFaults, 0, groups * GROUP);
    FloatFrame.findFaults(vectors, columns, moreFaults, groups);
    return moreFaults;
  }
}
