package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fewstep.mixture.Covariance;
import org.fewstep.mixture.FullCovariance;
import org.fewstep.mixture.GaussianMixture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MixtureJsonTest {

  @TempDir Path folder;

  private GaussianMixture read(String json) throws IOException {
    return MixtureJson.read(Files.writeString(folder.resolve("mixture.json"), json));
  }

  private GaussianMixture rewritten(GaussianMixture mixture) throws IOException {
    Path path = folder.resolve("written.json");
    MixtureJson.write(path, mixture);
    return MixtureJson.read(path);
  }

  @Test
  void readsTheExampleOfTheDesign() throws IOException {
    GaussianMixture mixture =
        read(
            """
            {"weights": [0.5, 1.5], "means": [[-1.0], [1.0]],
             "covariance": {"kind": "isotropic", "sigma": 0.05}}
            """);
    assertThat(mixture.components()).isEqualTo(2);
    assertThat(mixture.dimension()).isEqualTo(1);
    assertThat(mixture.weight(1)).isEqualTo(0.75);
    assertThat(mixture.mean(0, 0)).isEqualTo(-1);
    assertThat(mixture.sharedSigma()).hasValue(0.05);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'kind':'isotropic','sigma':2}",
        "{'sigma':[2,2],'kind':'isotropic'}",
        "{'kind':'diagonal','variances':[4,4]}",
        "{'kind':'diagonal','variances':[[4,4],[4,4.0]]}",
        "{'kind':'full','matrices':[[4,0],[0,4]]}",
        "{'kind':'full','matrices':[[[4,0],[0,4]],[[4,0],[0,4]]]}",
      })
  void readsEveryCovariance(String covariance) throws IOException {
    GaussianMixture mixture =
        read("{'covariance':%s,'means':[[0,1],[2,3]]}".formatted(covariance).replace('\'', '"'));
    assertThat(mixture.weight(0)).isEqualTo(0.5);
    for (int k = 0; k < 2; k++) {
      for (int i = 0; i < 2; i++) {
        assertThat(mixture.covariance().eigenvalue(k, i)).isEqualTo(4, within(1e-15));
      }
    }
    assertThat(mixture.covariance().shared()).isEqualTo(mixture.covariance().count() == 1);
  }

  @Test
  void roundTripsIsotropicAndDiagonalToTheBit() throws IOException {
    double[][] means = {{0.1, 1e-300}, {-1 / 3.0, 1e300}, {0, 5}};
    double[] weights = {1, 0, 3};
    for (Covariance covariance :
        new Covariance[] {
          Covariance.isotropic(0.1),
          Covariance.isotropic(new double[] {0, 1e-7, 3}),
          Covariance.diagonal(new double[] {0.3, 0}),
          Covariance.diagonal(new double[][] {{1, 2}, {3, 4}, {5, 6}})
        }) {
      GaussianMixture mixture = GaussianMixture.of(weights, means, covariance);
      GaussianMixture again = rewritten(mixture);
      assertThat(again.covariance().shared()).isEqualTo(covariance.shared());
      for (int k = 0; k < 3; k++) {
        assertThat(again.weight(k)).isEqualTo(mixture.weight(k));
        for (int i = 0; i < 2; i++) {
          assertThat(again.mean(k, i)).isEqualTo(means[k][i]);
          assertThat(again.covariance().eigenvalue(k, i)).isEqualTo(covariance.eigenvalue(k, i));
        }
      }
    }
  }

  @Test
  void roundTripsFullWithinRounding() throws IOException {
    double[][] matrix = {{2, 0.5, 0.1}, {0.5, 1, -0.3}, {0.1, -0.3, 0.7}};
    GaussianMixture again =
        rewritten(GaussianMixture.of(new double[][] {{1, 2, 3}}, Covariance.full(matrix)));
    FullCovariance full = (FullCovariance) again.covariance();
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        double entry = 0;
        for (int l = 0; l < 3; l++) {
          entry += full.eigenvalue(0, l) * full.eigenvector(0, i, l) * full.eigenvector(0, j, l);
        }
        assertThat(entry).isEqualTo(matrix[i][j], within(1e-14));
      }
    }
  }

  private static final String ISO = ",'covariance':{'kind':'isotropic','sigma':1}}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "~~ | the mixture must be a JSON object",
        "[1] | the mixture must be a JSON object",
        "{ | is not JSON",
        "{'means':[[0]]@ x | is not JSON",
        "{'means':[[0]]@ {} | something follows it",
        "{'means':[[0]],'means':[[0]]@ | Duplicate",
        "{'means':[[0]],'mean':1@ | the key 'mean' is unknown",
        "{'means':[[0,1],[2]]@ | must have rows of one length",
        "{'means':[]@ | means must not hold an empty array",
        "{'means':[[]]@ | means must not hold an empty array",
        "{'means':[0]@ | means must be an array of arrays of numbers, but is an array of numbers",
        "{'means':[[NaN]]@ | is not JSON",
        "{'means':[[1e999]]@ | means must hold finite numbers",
        "{'means':[[null]]@ | means must hold numbers, but holds 'null'",
        "{'means':[['1']]@ | means must hold numbers, but holds '1'",
        "{'means':{}@ | means must hold numbers",
        "{'means':[[0],1]@ | means must be nested to one depth",
        "{'means':[[0],[[1]]]@ | means must be nested to one depth",
        "{'means':[[1,[2]]]@ | nested to one depth",
        "{'means':[[[[[0]]]]]@ | nested too deeply",
        "{'weights':[1,2],'means':[[0]]@ | weights must have one entry per mean (1), but has 2",
        "{'weights':[-1,2],'means':[[0],[1]]@ | weights[0] must be finite and >= 0",
        "{'weights':[0,0],'means':[[0],[1]]@ | weights must have a positive sum",
        "{'weights':1,'means':[[0]]@ | weights must be an array of numbers, but is a number",
        "{'weights':null,'means':[[0]]@ | weights must hold numbers",
        "{'means':[[0]]} | must have the key covariance",
        "{'weights':[1]@ | must have the key means",
      })
  void refusesMalformedMixtures(String json, String reason) {
    assertRefused(json.replace("@", ISO), reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "1 | covariance must be a JSON object",
        "{} | must have the key covariance.kind",
        "{'kind':1} | covariance.kind must be a string",
        "{'kind':'round','sigma':1} | must be isotropic, diagonal or full, but is 'round'",
        "{'kind':'isotropic'} | must have the keys kind and sigma",
        "{'kind':'isotropic','variances':[1,1]} | must have the keys kind and sigma",
        "{'kind':'isotropic','sigma':1,'variances':[1,1]} | must have the keys kind and sigma",
        "{'kind':'isotropic','sigma':1,'tau':1} | the key 'tau' is unknown",
        "{'kind':'isotropic','sigma':-1} | sigma must be finite and >= 0",
        "{'kind':'isotropic','sigma':[1,2,3]} | one entry per mean (2), but has 3",
        "{'kind':'isotropic','sigma':[[1]]} | sigma must be a number or an array of numbers",
        "{'kind':'diagonal','variances':[1,-1]} | variances[0][1] must be finite and >= 0",
        "{'kind':'diagonal','variances':[1,1,1]} | the dimension of the means (2), but has 3",
        "{'kind':'full','matrices':[[1,0],[1,1]]} | must be symmetric",
        "{'kind':'full','matrices':[[1,2],[2,1]]} | no negative eigenvalue",
        "{'kind':'full','matrices':[[1,0]]} | matrices[0]",
      })
  void refusesMalformedCovariances(String covariance, String reason) {
    assertRefused("{'means':[[0,0],[1,1]],'covariance':%s}".formatted(covariance), reason);
  }

  @Test
  void refusesAbsurdNestingAndHugeTokens() {
    assertRefused("{'means':" + "[".repeat(100_000), "means is nested too deeply");
    assertRefused("[".repeat(1_000_000), "must be a JSON object");
    assertRefused("{'covariance':{'kind':" + "{'a':".repeat(5000), "must be a string");
    assertRefused("{'means':[[" + "1".repeat(100_000) + "]]" + ISO, "is not JSON");
    assertRefused("{'" + "k".repeat(1_000_000) + "':1}", "is not JSON");
  }

  private void assertRefused(String json, String reason) {
    assertThatThrownBy(() -> read(json.replace('\'', '"')))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(folder.toString())
        .hasMessageContaining(reason)
        .extracting(Throwable::getMessage)
        .asString()
        .hasLineCount(1);
  }
}
