package org.fewstep.bench;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.fewstep.backend.Availability;
import org.fewstep.diffusion.Diffusion;
import org.fewstep.mixture.DiffusedMixture;

/**
 * LibTorch on the CPU, by array operations that write into tensors made beforehand, with no
 * gradients recorded.
 */
public final class LibTorch implements Peer {

  /** Found as a service. */
  public LibTorch() {}

  @Override
  public String name() {
    return "LibTorch";
  }

  @Override
  public Availability availability() {
    try {
      String capability =
          torch
              .show_config()
              .getString()
              .lines()
              .filter(line -> line.contains("CPU capability"))
              .map(String::strip)
              .findFirst()
              .orElse("");
      return new Availability(
          true, "%s %s".formatted(Loader.getVersion("org.bytedeco", "pytorch"), capability));
    } catch (LinkageError | IOException e) {
      return new Availability(false, "LibTorch does not load: " + e.getMessage());
    }
  }

  @Override
  public List<Contender> score(Workload workload, int threads) {
    List<Contender> ways = new ArrayList<>();
    ways.add(new ExpandedScore(workload, threads));
    // [n,K,d] differences; beyond a few dimensions they are gigabytes and no rival
    if (workload.dimension() <= 16) {
      ways.add(new DifferenceScore(workload, threads));
    }
    return ways;
  }

  @Override
  public List<Contender> flow(FlowWorkload workload, int threads) {
    return List.of(new HeunFlow(workload, threads));
  }

  /** One way of doing a task: sets the threads, records no gradients, frees what a call makes. */
  private abstract static class Way implements Contender {

    private final String name;
    private final int threads;
    private final List<Pointer> kept = new ArrayList<>();

    private Way(String form, int threads) {
      this.name = "LibTorch " + form;
      this.threads = threads;
    }

    final <T extends Pointer> T keep(T pointer) {
      kept.add(pointer);
      return pointer;
    }

    final Tensor tensor(float[] values, long... shape) {
      return keep(Tensor.create(values, shape));
    }

    final Tensor output(long... shape) {
      return keep(torch.zeros(shape));
    }

    final Scalar scalar(double value) {
      return keep(new Scalar((float) value));
    }

    abstract void run();

    abstract Tensor output();

    @Override
    public final String name() {
      return name;
    }

    @Override
    @SuppressWarnings("try") // a guard and a scope work by being open
    public final double seconds(int calls) {
      torch.set_num_threads(threads);
      try (NoGradGuard guard = new NoGradGuard()) {
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
          // every operation returns one more handle to its output
          try (PointerScope handles = new PointerScope()) {
            run();
          }
        }
        return (System.nanoTime() - start) * 1e-9;
      }
    }

    @Override
    public final float[] result() {
      float[] values = new float[(int) output().numel()];
      FloatBuffer buffer = output().createBuffer();
      buffer.get(values);
      return values;
    }

    @Override
    public final void close() {
      kept.forEach(Pointer::close);
    }
  }

  /** Both distances by one matrix product, the posterior mean by another: three calls in all. */
  private static final class ExpandedScore extends Way {

    private final Tensor x;
    private final Tensor score;
    private final ArrayScore form;

    private ExpandedScore(Workload workload, int threads) {
      super("expanded", threads);
      long n = workload.rows();
      x = tensor(workload.points(), n, workload.dimension());
      score = output(n, workload.dimension());
      Tensor logits = output(n, workload.components());
      Tensor shares = output(n, workload.components());
      form = new ArrayScore(this, workload.mixture(), 0, 1, logits, shares);
    }

    @Override
    void run() {
      form.run(x, score);
    }

    @Override
    Tensor output() {
      return score;
    }
  }

  /**
   * One evaluation of {@code linear x + factor score(x)} in the expanded form, with its constants.
   */
  private static final class ArrayScore {

    private final Tensor columns;
    private final Tensor offsets;
    private final Tensor rows;
    private final Scalar ofX;
    private final Scalar ofMeans;
    private final Tensor logits;
    private final Tensor shares;

    private ArrayScore(
        Way owner,
        DiffusedMixture mixture,
        double linear,
        double factor,
        Tensor logits,
        Tensor shares) {
      int components = mixture.mixture().components();
      int d = mixture.mixture().dimension();
      SharedIsotropic constants = SharedIsotropic.of(mixture);
      columns = owner.tensor(constants.columns(), d, components);
      offsets = owner.tensor(constants.offsets(), components);
      rows = owner.tensor(constants.rows(), components, d);
      ofX = owner.scalar(linear - factor / constants.variance());
      ofMeans = owner.scalar(factor);
      this.logits = logits;
      this.shares = shares;
    }

    private void run(Tensor x, Tensor out) {
      torch.addmm_out(logits, offsets, x, columns);
      torch.softmax_out(shares, logits, 1);
      torch.addmm_out(out, x, shares, rows, ofX, ofMeans);
    }
  }

  /** Distances by differences, [n,K,d]; the posterior mean by a matrix product. */
  private static final class DifferenceScore extends Way {

    private static final long[] LAST = {2};

    private final Tensor x;
    private final Tensor xRows;
    private final Tensor means;
    private final Tensor logWeights;
    private final Tensor rows;
    private final Tensor differences;
    private final Tensor squares;
    private final Tensor logits;
    private final Tensor shares;
    private final Tensor score;
    private final Scalar half;
    private final Scalar ofX;
    private final Scalar one;
    private final ScalarTypeOptional sameType;

    private DifferenceScore(Workload workload, int threads) {
      super("difference", threads);
      long n = workload.rows();
      long components = workload.components();
      long d = workload.dimension();
      SharedIsotropic constants = SharedIsotropic.of(workload.mixture());
      x = tensor(workload.points(), n, d);
      xRows = keep(x.unsqueeze(1));
      means = tensor(constants.means(), 1, components, d);
      logWeights = tensor(constants.logWeights(), components);
      rows = tensor(constants.rows(), components, d);
      differences = output(n, components, d);
      squares = output(n, components);
      logits = output(n, components);
      shares = output(n, components);
      score = output(n, d);
      half = scalar(-0.5 / constants.variance());
      ofX = scalar(-1 / constants.variance());
      one = scalar(1);
      sameType = keep(new ScalarTypeOptional());
    }

    @Override
    void run() {
      torch.sub_out(differences, xRows, means);
      torch.mul_out(differences, differences, differences);
      torch.sum_out(squares, differences, LAST, false, sameType);
      torch.add_out(logits, logWeights, squares, half);
      torch.softmax_out(shares, logits, 1);
      torch.addmm_out(score, x, shares, rows, ofX, one);
    }

    @Override
    Tensor output() {
      return score;
    }
  }

  /** Heun's method over whole arrays: two velocities a step, each of three calls. */
  private static final class HeunFlow extends Way {

    private final Tensor noise;
    private final Tensor x;
    private final Tensor moved;
    private final Tensor first;
    private final Tensor second;
    private final List<Step> steps = new ArrayList<>();

    private record Step(ArrayScore atStart, ArrayScore atEnd, Scalar whole, Scalar half) {}

    private HeunFlow(FlowWorkload workload, int threads) {
      super("arrays", threads);
      long n = workload.rows();
      long d = workload.mixture().dimension();
      noise = tensor(workload.noise(), n, d);
      x = output(n, d);
      moved = output(n, d);
      first = output(n, d);
      second = output(n, d);
      Tensor logits = output(n, workload.mixture().components());
      Tensor shares = output(n, workload.mixture().components());
      double[] knots = workload.knots();
      for (int i = 0; i + 1 < knots.length; i++) {
        double h = knots[i + 1] - knots[i];
        steps.add(
            new Step(
                velocity(workload, knots[i], logits, shares),
                velocity(workload, knots[i + 1], logits, shares),
                scalar(h),
                scalar(h / 2)));
      }
    }

    private ArrayScore velocity(FlowWorkload workload, double t, Tensor logits, Tensor shares) {
      Diffusion process = workload.process();
      return new ArrayScore(
          this,
          DiffusedMixture.at(workload.mixture(), process, t),
          process.drift(t),
          -process.halfSquaredDiffusion(t),
          logits,
          shares);
    }

    @Override
    void run() {
      x.copy_(noise);
      for (Step step : steps) {
        step.atStart.run(x, first);
        torch.add_out(moved, x, first, step.whole);
        step.atEnd.run(moved, second);
        x.add_(first, step.half);
        x.add_(second, step.half);
      }
    }

    @Override
    Tensor output() {
      return x;
    }
  }
}
