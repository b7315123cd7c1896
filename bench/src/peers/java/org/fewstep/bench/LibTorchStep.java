package org.fewstep.bench;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.fewstep.backend.AdamStep;
import org.fewstep.network.NetworkShape;

/**
 * A step of training without autograd: the backward pass is written out as products into tensors
 * made beforehand, which saves recording and allocating; Adam steps all parameters as one vector,
 * which saves most of its calls.
 */
final class LibTorchStep extends LibTorch.Way {

  private static final long[] ROWS = {0};

  /** Parameters and derivatives are views of the vectors of all. */
  private record Stage(
      Tensor weights,
      Tensor transposed,
      Tensor bias,
      Tensor weightGradient,
      Tensor biasGradient,
      Tensor out,
      Tensor slope,
      Tensor slopeTransposed) {}

  private final TrainingStep step;
  private final Tensor x;
  private final Tensor target;
  private final Tensor parameters;
  private final Tensor gradient;
  private final Tensor mean;
  private final Tensor square;
  private final Tensor deviation;
  private final List<Stage> stages = new ArrayList<>();
  private final Scalar zero = scalar(0);
  private final Scalar ofDifference;
  private final Scalar ofGradient;
  private final Scalar ofSquare;
  private final Scalar ofGradientSquare;
  private final Scalar epsilon;
  private final Scalar rate;
  private final ScalarTypeOptional sameType = keep(new ScalarTypeOptional());

  LibTorchStep(TrainingStep step, int threads) {
    super("step, backward written out", threads);
    this.step = step;
    NetworkShape shape = step.shape();
    x = tensor(step.inputs(), step.rows(), shape.inputs());
    target = tensor(step.targets(), step.rows(), shape.outputs());
    parameters = tensor(narrow(step.parameters()), shape.parameters());
    gradient = output(shape.parameters());
    mean = output(shape.parameters());
    square = output(shape.parameters());
    deviation = output(shape.parameters());
    for (int l = 0; l < shape.layers(); l++) {
      stages.add(stage(l));
    }
    AdamStep adam = TrainingStep.ADAM;
    // m/c1 / (sqrt(v/c2) + eps) = sqrt(c2)/c1 m / (sqrt(v) + sqrt(c2) eps)
    double correction = Math.sqrt(adam.squareCorrection());
    ofDifference = scalar(step.slope());
    ofGradient = scalar(1 - adam.beta1());
    ofSquare = scalar(adam.beta2());
    ofGradientSquare = scalar(1 - adam.beta2());
    epsilon = scalar(correction * adam.epsilon());
    rate = scalar(-adam.learningRate() * correction / adam.meanCorrection());
  }

  private static float[] narrow(double[] wide) {
    float[] narrow = new float[wide.length];
    for (int i = 0; i < wide.length; i++) {
      narrow[i] = (float) wide[i];
    }
    return narrow;
  }

  private Stage stage(int layer) {
    NetworkShape shape = step.shape();
    int inputs = shape.width(layer - 1);
    int outputs = shape.width(layer);
    Tensor weights = view(parameters, shape.weightOffset(layer), outputs, inputs);
    Tensor out = output(step.rows(), outputs);
    Tensor slope = output(step.rows(), outputs);
    return new Stage(
        weights,
        keep(weights.t()),
        view(parameters, shape.biasOffset(layer), outputs),
        view(gradient, shape.weightOffset(layer), outputs, inputs),
        view(gradient, shape.biasOffset(layer), outputs),
        out,
        slope,
        keep(slope.t()));
  }

  private Tensor view(Tensor vector, long first, long... lengths) {
    long count = 1;
    for (long length : lengths) {
      count *= length;
    }
    return keep(keep(vector.narrow(0, first, count)).view(lengths));
  }

  @Override
  void run() {
    forward();
    backward();
    adam();
  }

  private void forward() {
    Tensor in = x;
    for (Stage stage : stages) {
      torch.addmm_out(stage.out, stage.bias, in, stage.transposed);
      if (stage != stages.getLast()) {
        stage.out.relu_();
      }
      in = stage.out;
    }
  }

  private void backward() {
    Stage last = stages.getLast();
    torch.sub_out(last.slope, last.out, target);
    last.slope.mul_(ofDifference);
    for (int l = stages.size() - 1; l >= 0; l--) {
      Stage stage = stages.get(l);
      torch.mm_out(stage.weightGradient, stage.slopeTransposed, l == 0 ? x : stages.get(l - 1).out);
      torch.sum_out(stage.biasGradient, stage.slope, ROWS, false, sameType);
      if (l > 0) {
        Stage before = stages.get(l - 1);
        torch.mm_out(before.slope, stage.slope, stage.weights);
        torch.threshold_backward_out(before.slope, before.slope, before.out, zero);
      }
    }
  }

  private void adam() {
    mean.lerp_(gradient, ofGradient);
    square.mul_(ofSquare);
    square.addcmul_(gradient, gradient, ofGradientSquare);
    torch.sqrt_out(deviation, square);
    deviation.add_(epsilon);
    parameters.addcdiv_(mean, deviation, rate);
  }

  @Override
  Tensor output() {
    return gradient;
  }

  @Override
  float[] rows(float[] output) {
    float[] stepped = new float[output.length];
    FloatBuffer buffer = parameters.createBuffer();
    buffer.get(stepped);
    return step.outcome(output, stepped);
  }
}
