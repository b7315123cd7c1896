package org.fewstep.bench;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a call cannot do without.
 *
 * @param fp32 float32 instructions outside of matrix products, a fused multiply-add being one
 * @param special exponentials
 * @param products multiply-adds of matrix products, which tensor cores or FP32 units may do
 * @param bytes read from memory or written to it
 */
record DeviceWork(double fp32, double special, double products, double bytes) {

  private static final int FLOAT = Float.BYTES;

  /**
   * Evaluations of an isotropic component at a point, by differences: two subtractions (the mean in
   * two parts), a multiply-add of the square and one of the weighted sum for each coordinate, and
   * an exponential. What the softmax needs beside it, some five instructions a pair, is not
   * counted.
   *
   * @param points read and written once
   */
  static DeviceWork pairs(double pairs, int dimension, long points) {
    return new DeviceWork(4.0 * dimension * pairs, pairs, 0, vectors(points, 2 * dimension));
  }

  /** The same where both the distances and the weighted sums are matrix products. */
  static DeviceWork pairsByProducts(double pairs, int dimension, long points) {
    return new DeviceWork(0, pairs, 2.0 * dimension * pairs, vectors(points, 2 * dimension));
  }

  /**
   * Evaluations of dense layers.
   *
   * @param weights of all layers
   * @param evaluations of a row
   * @param columns of a row that are read or written
   */
  static DeviceWork layers(long rows, double weights, double evaluations, int columns) {
    return new DeviceWork(0, 0, evaluations * weights * rows, vectors(rows, columns));
  }

  private static double vectors(long rows, int columns) {
    return (double) FLOAT * rows * columns;
  }

  /** Floating-point operations, two to a multiply-add of a product. */
  double productOperations() {
    return 2 * products;
  }

  /** The least seconds that each unit of a device needs, of those that have something to do. */
  Map<String, Double> seconds(DeviceRates rates) {
    Map<String, Double> seconds = new LinkedHashMap<>();
    put(seconds, "FP32 instructions", fp32, rates.fp32());
    put(seconds, "special functions", special, rates.special());
    put(seconds, "products on tensor cores", DeviceRates.TENSOR_PASSES * products, rates.tensor());
    put(seconds, "products as FP32 instructions", products, rates.fp32());
    put(seconds, "memory", bytes, rates.memory());
    return seconds;
  }

  /**
   * The unit that takes longest, the products being done where they take least; empty if nothing is
   * known of the device.
   */
  static String limit(Map<String, Double> seconds) {
    Map<String, Double> needed = new LinkedHashMap<>(seconds);
    Double tensor = seconds.get("products on tensor cores");
    Double plain = seconds.get("products as FP32 instructions");
    if (tensor != null && plain != null) {
      needed.remove(tensor < plain ? "products as FP32 instructions" : "products on tensor cores");
    }
    return needed.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse("");
  }

  private static void put(Map<String, Double> seconds, String unit, double work, double rate) {
    if (work > 0 && rate > 0) {
      seconds.put(unit, work / rate);
    }
  }
}
