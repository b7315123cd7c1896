package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fewstep.backend.Batch;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MixtureFilesTest {

  @TempDir Path folder;

  @Test
  void readsDataPointsOfEitherKind() throws IOException {
    Path npy = folder.resolve("points.npy");
    Npy.write(npy, Batch.wrap(new float[] {1, 2, 3, 4, 5, 6}, 2));
    Path csv = Files.writeString(folder.resolve("points.CSV"), "x,y\n1,2\n3,4\n5,6\n");
    for (Path path : new Path[] {npy, csv}) {
      GaussianMixture mixture = MixtureFiles.read(path, 0.25);
      assertThat(mixture.components()).isEqualTo(3);
      assertThat(mixture.dimension()).isEqualTo(2);
      assertThat(mixture.mean(2, 1)).isEqualTo(6);
      assertThat(mixture.sharedSigma()).hasValue(0.25);
      assertThat(MixtureFiles.read(path, 0).covariance().singular()).isTrue();
    }
  }

  @Test
  void readsMixtures() throws IOException {
    Path json = folder.resolve("mixture.json");
    Files.writeString(
        json, "{\"means\":[[7]],\"covariance\":{\"kind\":\"isotropic\",\"sigma\":1}}");
    assertThat(MixtureFiles.read(json, 0).mean(0, 0)).isEqualTo(7);
  }

  @Test
  void refuses() throws IOException {
    Path nan = folder.resolve("nan.npy");
    Npy.write(nan, Batch.wrap(new double[] {1, Double.NaN}, 1));
    assertThatThrownBy(() -> MixtureFiles.read(nan, 0))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("points[1][0] must be finite, but is NaN");
    Path empty = folder.resolve("empty.npy");
    Npy.write(empty, Batch.wrap(new double[0], 1));
    assertThatThrownBy(() -> MixtureFiles.read(empty, 0))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("but holds 0");
    assertThatThrownBy(() -> MixtureFiles.read(nan, -1)).hasMessageContaining("bandwidth");
    assertThatThrownBy(() -> MixtureFiles.read(Path.of("a.txt"), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(".json");
    assertThatThrownBy(() -> MixtureFiles.read(folder.resolve("none.csv"), 0))
        .isInstanceOf(IOException.class);
  }
}
