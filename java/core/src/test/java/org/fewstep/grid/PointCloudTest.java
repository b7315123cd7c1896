package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PointCloudTest {

  private static double[][] normals(int count, int dimension, long seed) {
    Random random = new Random(seed);
    double[][] points = new double[count][dimension];
    for (double[] point : points) {
      Arrays.setAll(point, i -> random.nextGaussian());
    }
    return points;
  }

  private static double bruteForce(double[][] points) {
    double largest = 0;
    for (double[] p : points) {
      for (double[] q : points) {
        largest = Math.max(largest, PointCloud.distance(p, q));
      }
    }
    return largest;
  }

  @Test
  void pointsOfAnyShapeHaveTheirExactDiameter() {
    for (int dimension = 1; dimension <= 5; dimension++) {
      for (int count : new int[] {1, 2, 3, 10, 300}) {
        double[][] points = normals(count, dimension, 10L * count + dimension);
        assertThat(PointCloud.diameter(points)).isEqualTo(bruteForce(points));
      }
    }
  }

  @Test
  void duplicatePointsHaveNoDiameter() {
    assertThat(PointCloud.diameter(new double[][] {{1, 2}, {1, 2}, {1, 2}})).isZero();
  }

  @Test
  void hundredThousandPointsAreSearchedExactlyWhereFewLieFarOut() {
    double[][] points = normals(100_000, 2, 1);
    points[17] = new double[] {50, 0};
    points[90_000] = new double[] {-50, 1};
    assertThat(PointCloud.diameter(points)).isEqualTo(Math.hypot(100, 1));
  }

  /** All points of a circle are equally far out, so nothing can be skipped. */
  @Test
  @Timeout(60)
  void hundredThousandPointsOnACircleAreBoundedFromAbove() {
    double[][] points = new double[100_000][];
    Arrays.setAll(
        points,
        i ->
            new double[] {
              3 + 2 * Math.cos(2 * Math.PI * i / 1e5), 2 * Math.sin(i * 2e-5 * Math.PI)
            });
    assertThat(PointCloud.diameter(points)).isBetween(4 - 1e-12, 5.0);
  }

  @Test
  void manyPointsInManyDimensionsAreBoundedFromAbove() {
    double[][] points = normals(1500, 256, 3);
    double diameter = bruteForce(points);
    assertThat(PointCloud.diameter(points)).isBetween(diameter, 2 * diameter);
  }
}
