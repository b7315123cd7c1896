package org.fewstep.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import org.fewstep.diffusion.OrnsteinUhlenbeck;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.ExampleMixtures;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BackendsTest {

  private final String asked = System.getProperty(Backends.PROPERTY);

  @AfterEach
  void restore() {
    if (asked == null) {
      System.clearProperty(Backends.PROPERTY);
    } else {
      System.setProperty(Backends.PROPERTY, asked);
    }
  }

  @Test
  void providersComeBestFirstAndTheScalarOneIsAlwaysThere() {
    List<BackendProvider> providers = Backends.providers();
    assertThat(providers)
        .isSortedAccordingTo(Comparator.comparingInt(BackendProvider::rank).reversed());
    assertThat(providers.getLast().name()).isEqualTo("scalar");
    assertThat(providers.getLast().availability().available()).isTrue();
  }

  @Test
  void theBestAvailableIsTaken() {
    System.clearProperty(Backends.PROPERTY);
    try (Backend best = Backends.best()) {
      assertThat(best.name()).isEqualTo(TestBackends.names().findFirst().orElseThrow());
    }
  }

  @Test
  void thePropertyNamesTheBackend() {
    System.setProperty(Backends.PROPERTY, "scalar");
    try (Backend best = Backends.best(BackendOptions.defaults().withThreads(3))) {
      assertThat(best.name()).isEqualTo("scalar");
      assertThat(best.threads()).isEqualTo(3);
    }
    System.setProperty(Backends.PROPERTY, " ");
    try (Backend best = Backends.best()) {
      assertThat(best).isNotNull();
    }
    System.setProperty(Backends.PROPERTY, "abacus");
    assertThatThrownBy(Backends::best)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("backend must be one of [")
        .hasMessageContaining("scalar")
        .hasMessageEndingWith("but is 'abacus'");
  }

  @Test
  void threadsOutOfRangeAreRefused() {
    for (int threads : new int[] {0, -1, BackendOptions.MAX_THREADS + 1}) {
      assertThatThrownBy(() -> BackendOptions.defaults().withThreads(threads))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("threads must lie in [1, 4096], but is " + threads);
    }
    try (Backend many = TestBackends.open("scalar", BackendOptions.MAX_THREADS)) {
      assertThat(many.threads()).isEqualTo(BackendOptions.MAX_THREADS);
    }
  }

  @Test
  void aBackendMayRunOnTheCallersExecutorAndForManyCallersAtOnce() throws Exception {
    DiffusedMixture ring =
        DiffusedMixture.at(ExampleMixtures.named("ring8"), new OrnsteinUhlenbeck(), 0.3);
    for (String name : TestBackends.names().toList()) {
      try (ForkJoinPool executor = new ForkJoinPool(2);
          Backend backend =
              Backends.named(
                  name, BackendOptions.defaults().withThreads(3).withExecutor(executor));
          Batch x = backend.allocate(3000, 2, Precision.FLOAT32);
          Batch expected = backend.allocate(3000, 2, Precision.FLOAT32)) {
        backend.normal(x, 5, 0);
        backend.mixture(ring, x, MixtureOutputs.none().withScore(expected));
        backend.synchronize();
        float[] right = expected.toFloatArray();
        var calls =
            IntStream.range(0, 8)
                .mapToObj(
                    i ->
                        executor.submit(
                            () -> {
                              try (Batch score = backend.allocate(3000, 2, Precision.FLOAT32)) {
                                backend.mixture(ring, x, MixtureOutputs.none().withScore(score));
                                backend.synchronize();
                                return score.toFloatArray();
                              }
                            }))
                .toList();
        for (var call : calls) {
          assertThat(call.get()).isEqualTo(right);
        }
      }
    }
  }
}
