package org.fewstep.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.assertj.core.data.Offset;
import org.fewstep.cuda.CudaDevice;
import org.junit.jupiter.api.Test;

/** Limits worked out by hand. */
class DeviceWorkTest {

  private static final Offset<Double> DIGITS = within(1e-3);

  private static DeviceRates rates(int major, int minor) {
    return DeviceRates.of(
        new CudaDevice(0, "", major, minor, 132, 1L << 37, 1.98e9, 4.8e12, "13.0"));
  }

  /** An H200 issues 33.5e12 FP32 instructions a second, and 4.2e12 exponentials. */
  @Test
  void pairsInTwoDimensionsTakeEightInstructionsAndAnExponential() {
    Map<String, Double> seconds = DeviceWork.pairs(1e12, 2, 1_000_000_000).seconds(rates(9, 0));
    assertThat(seconds.get("FP32 instructions")).isCloseTo(8 / 33.454, DIGITS);
    assertThat(seconds.get("special functions")).isCloseTo(1 / 4.1818, DIGITS);
    assertThat(seconds.get("memory")).isCloseTo(16 / 4800.0, DIGITS);
    assertThat(seconds).doesNotContainKey("products on tensor cores");
    assertThat(DeviceWork.limit(Map.of("memory", 2.0, "special functions", 1.0)))
        .isEqualTo("memory");
  }

  /** Products are done where they are quicker: 267.6e12 TF32 multiply-adds, three for one. */
  @Test
  void productsAreDoneWhereTheyTakeLeast() {
    DeviceWork work = DeviceWork.pairsByProducts(1e10, 128, 1000);
    assertThat(work.productOperations()).isEqualTo(4 * 128e10);
    Map<String, Double> hopper = work.seconds(rates(9, 0));
    assertThat(hopper.get("products on tensor cores")).isCloseTo(2.56 * 3 / 267.63, DIGITS);
    assertThat(hopper.get("products as FP32 instructions")).isCloseTo(2.56 / 33.454, DIGITS);
    assertThat(DeviceWork.limit(hopper)).isEqualTo("products on tensor cores");
    Map<String, Double> ada = work.seconds(rates(8, 9));
    assertThat(DeviceWork.limit(ada)).isEqualTo("products as FP32 instructions");
  }

  @Test
  void anUnknownGenerationHasOnlyItsMemoryForALimit() {
    Map<String, Double> seconds = DeviceWork.layers(1000, 4096, 2, 4).seconds(rates(42, 0));
    assertThat(seconds).containsOnlyKeys("memory");
    assertThat(seconds.get("memory")).isEqualTo(16_000 / 4.8e12);
    assertThat(DeviceWork.limit(Map.of())).isEmpty();
  }
}
