package org.fewstep.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import org.fewstep.cuda.CudaDevice;

/**
 * What a device can do in a second at its highest clocks, as NVIDIA's guides state it for its
 * generation: limits that no kernel passes, and none quite reaches.
 *
 * @param fp32 float32 instructions, a fused multiply-add being one; 0 if the generation is unknown
 * @param special exponentials and the like, by the units for special functions
 * @param tensor multiply-adds of dense matrix products in TF32; 0 if there are none
 * @param memory bytes
 */
record DeviceRates(double fp32, double special, double tensor, double memory) {

  /** A float32 product at full accuracy takes so many in TF32. */
  static final int TENSOR_PASSES = 3;

  private static final int SPECIAL_LANES = 16;

  static DeviceRates of(CudaDevice device) {
    int generation = 10 * device.major() + device.minor();
    int fp32 =
        switch (generation) {
          case 75, 80 -> 64;
          case 86, 87, 89, 90, 100, 103, 110, 120, 121 -> 128;
          default -> 0;
        };
    int tensor =
        switch (generation) {
          case 80 -> 512;
          case 86, 87, 89, 120, 121 -> 256;
          case 90 -> 1024;
          case 100, 103, 110 -> 2048;
          default -> 0;
        };
    double clocks = device.multiprocessors() * device.clock();
    double special = fp32 == 0 ? 0 : SPECIAL_LANES * clocks;
    return new DeviceRates(fp32 * clocks, special, tensor * clocks, device.bandwidth());
  }

  /** The rates by name. */
  Map<String, Double> byName() {
    Map<String, Double> rates = new LinkedHashMap<>();
    rates.put("FP32 instructions/s", fp32);
    rates.put("special functions/s", special);
    rates.put("TF32 multiply-adds/s", tensor);
    rates.put("memory bytes/s", memory);
    return rates;
  }
}
