package org.fewstep.bench;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.fewstep.network.Unit;

/** A dense network: a product with the bias a layer, then its units in place. */
final class LibTorchNetwork extends LibTorch.Way {

  private record Stage(Tensor weights, Tensor bias, Unit unit, Tensor out) {}

  private final Tensor x;
  private final List<Stage> stages = new ArrayList<>();

  LibTorchNetwork(NetworkRows workload, int threads) {
    super("network, d=" + workload.network().inputs(), threads);
    x = tensor(workload.values(), workload.rows(), workload.network().inputs());
    for (var layer : workload.network().layers()) {
      stages.add(
          new Stage(
              tensor(LayerWeights.columns(layer), layer.inputs(), layer.outputs()),
              tensor(LayerWeights.biases(layer), layer.outputs()),
              layer.unit(0),
              output(workload.rows(), layer.outputs())));
    }
  }

  @Override
  void run() {
    Tensor in = x;
    for (Stage stage : stages) {
      Tensor out = stage.out;
      torch.addmm_out(out, stage.bias, in, stage.weights);
      if (stage.unit != Unit.LINEAR) {
        out.relu_();
      }
      if (stage.unit == Unit.REQU) {
        out.mul_(out);
      }
      in = out;
    }
  }

  @Override
  Tensor output() {
    return stages.getLast().out;
  }
}
