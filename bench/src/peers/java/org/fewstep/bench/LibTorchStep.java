package org.fewstep.bench;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.fewstep.backend.AdamStep;
import org.fewstep.network.NetworkShape;

/**
 * A step of training, whose backward pass is autograd's or is written out as products into tensors
 * made beforehand, which saves recording and allocating. In both, parameters and gradients are
 * views of one vector, so that Adam takes six calls for all of them.
 */
final class LibTorchStep extends LibTorch.Way {

  /** Who finds the derivatives. */
  enum Backward {
    AUTOGRAD,
    WRITTEN_OUT
  }

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
  private final Backward backward;
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

  LibTorchStep(TrainingStep step, int threads, Backward backward) {
    super("step, backward as " + backward, threads);
    this.step = step;
    this.backward = backward;
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
    Tensor bias = view(parameters, shape.biasOffset(layer), outputs);
    Tensor weightGradient = view(gradient, shape.weightOffset(layer), outputs, inputs);
    Tensor biasGradient = view(gradient, shape.biasOffset(layer), outputs);
    Tensor transposed = keep(weights.t());
    if (backward == Backward.AUTOGRAD) {
      weights = recorded(weights, weightGradient);
      bias = recorded(bias, biasGradient);
    }
    Tensor out = output(step.rows(), outputs);
    Tensor slope = output(step.rows(), outputs);
    return new Stage(
        weights, transposed, bias, weightGradient, biasGradient, out, slope, keep(slope.t()));
  }

  /** The same numbers as a leaf of autograd, which adds its derivative to what is there. */
  private Tensor recorded(Tensor values, Tensor derivative) {
    Tensor leaf = keep(values.detach());
    leaf.set_requires_grad(true);
    leaf.mutable_grad().put(derivative);
    return leaf;
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
    if (backward == Backward.AUTOGRAD) {
      differentiate();
    } else {
      forward();
      backward();
    }
    adam();
  }

  @SuppressWarnings("try") // a guard works by being open
  private void differentiate() {
    gradient.zero_();
    try (AutoGradMode recording = new AutoGradMode(true)) {
      Tensor out = x;
      for (Stage stage : stages) {
        out = torch.linear(out, stage.weights, stage.bias);
        out = stage == stages.getLast() ? out : out.relu_();
      }
      torch.mse_loss(out, target).backward();
    }
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
