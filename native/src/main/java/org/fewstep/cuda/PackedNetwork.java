package org.fewstep.cuda;

import org.fewstep.backend.Precision;
import org.fewstep.cuda.binding.fs_network;

/** A network, or a shape in training, in device memory and in the form that the calls take. */
final class PackedNetwork implements AutoCloseable {

  private final DeviceBuffer integers;
  private final DeviceBuffer numbers;
  private final fs_network description;

  PackedNetwork(CudaContext context, NetworkPack pack, Precision precision) {
    integers = context.upload(pack.integers());
    try {
      numbers = context.upload(pack.numbers(), precision);
    } catch (RuntimeException | Error e) {
      integers.close();
      throw e;
    }
    description =
        new fs_network()
            .precision(Arguments.code(precision))
            .inputs(pack.inputs())
            .outputs(pack.outputs())
            .layers(pack.layers())
            .width(pack.width())
            .units(pack.units())
            .takes_time(pack.takesTime() ? 1 : 0)
            .residual(pack.residual() ? 1 : 0)
            .input_scale(pack.inputScale())
            .output_scale(pack.outputScale())
            .time_low(pack.timeLow())
            .time_high(pack.timeHigh())
            .parameters(pack.parameters())
            .integers(integers.address())
            .numbers(numbers.address())
            .layer_numbers(pack.layerNumbers())
            .tensor(pack.inFragments() ? 1 : 0);
  }

  fs_network description() {
    return description;
  }

  @Override
  public void close() {
    description.close();
    integers.close();
    numbers.close();
  }
}
