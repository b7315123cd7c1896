package org.fewstep.grid;

import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;

class TimeGridPropertiesTest {

  private static final Diffusion PROCESS = new OrnsteinUhlenbeck();

  @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
  void gridsDescendStrictlyBetweenExactEnds(
      @ForAll @DoubleRange(min = -9, max = 1.3) double endExponent,
      @ForAll @DoubleRange(min = -6, max = 1.3) double lengthExponent,
      @ForAll @DoubleRange(min = -6, max = 1) double sigmaExponent,
      @ForAll @IntRange(min = 1, max = 200) int segments) {
    double end = Math.pow(10, endExponent);
    double start = end + Math.pow(10, lengthExponent);
    GaussianMixture mixture =
        ExampleMixtures.named("two-modes?sigma=" + Math.pow(10, sigmaExponent));
    for (GridKind kind :
        List.of(GridKind.UNIFORM, GridKind.LOG_SNR, GridKind.KARRAS, GridKind.STABILITY)) {
      GridSpec spec = new GridSpec(kind, segments);
      TimeGrid grid = TimeGrids.of(spec, mixture, PROCESS, start, end, null, 0);
      TimeGridsTest.assertIsGrid(grid, kind, start, end, segments);
    }
  }
}
