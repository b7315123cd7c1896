package org.fewstep.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.util.Map;
import org.fewstep.backend.Backend;
import org.fewstep.backend.Backends;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.grid.GridKind;
import org.fewstep.grid.GridSpec;
import org.fewstep.grid.TimeGrid;
import org.fewstep.mixture.ExampleMixtures;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;

/** Grids that are searched for by training, and the comparison of grids. */
class StudentGridTest {

  private static final OrnsteinUhlenbeck OU = new OrnsteinUhlenbeck();

  @Test
  void cutsBetweenTheEndsAndTheSameWayEveryTime() {
    GaussianMixture mixture = ExampleMixtures.named("bimodal?sigma=0.3");
    try (Backend backend = Backends.best()) {
      StudentGrid grids = StudentGrid.of(mixture, OU, 3, 0.01, new Student(8), backend, 1);
      for (int segments : new int[] {1, 3, 16}) {
        TimeGrid grid = grids.grid(segments);
        assertThat(grid.kind()).isEqualTo("student");
        assertThat(grid.segments()).isEqualTo(segments);
        assertThat(grid.start()).isEqualTo(3);
        assertThat(grid.end()).isEqualTo(0.01);
        assertThat(grid.cumulative()[segments]).isPositive();
      }
      StudentGrid again = StudentGrid.of(mixture, OU, 3, 0.01, new Student(8), backend, 1);
      assertThat(again.grid(3).knots()).isEqualTo(grids.grid(3).knots());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> grids.grid(17))
          .withMessageContaining("segments must lie in [1, 16] for a student grid, but is 17");
    }
  }

  /** What the typical grid is for: uniform segments leave all the work to the last of them. */
  @Test
  void theTypicalGridErrsLessThanTheUniformOne() throws IOException {
    GaussianMixture mixture = ExampleMixtures.named("ring8?sigma=0.1");
    DistillationOptions options = new DistillationOptions(2);
    options =
        options
            .withWidth(16)
            .withTraining(options.training().withSteps(1500))
            .withTrajectories(2000, 2000);
    try (Backend backend = Backends.best()) {
      GridStudy study = new GridStudy(backend, mixture, OU, 3, 1e-2, options);
      GridSpec uniform = new GridSpec(GridKind.UNIFORM, 6);
      GridSpec typical = new GridSpec(GridKind.TYPICAL, 6);
      double[] errors =
          study.run(Map.of(uniform, study.grid(uniform), typical, study.grid(typical)), 1).stream()
              .sorted((a, b) -> a.grid().kind().compareTo(b.grid().kind()))
              .mapToDouble(score -> score.error().mean())
              .toArray();
      assertThat(errors[1]).isLessThan(0.7 * errors[0]);
    }
  }
}
