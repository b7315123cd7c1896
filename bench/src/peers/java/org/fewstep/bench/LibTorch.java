package org.fewstep.bench;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas_nolapack;
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
 * gradients recorded but in the one way of a training step that is autograd's.
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
    ways.add(new ExpandedScore(workload, threads, Layout.ROWS));
    ways.add(new ExpandedScore(workload, threads, Layout.COLUMNS));
    // [n,K,d] differences; beyond a few dimensions they are gigabytes and no rival
    if (workload.dimension() <= 16) {
      ways.add(new DifferenceScore(workload, threads));
    }
    return ways;
  }

  @Override
  public List<Contender> flow(FlowWorkload workload, int threads) {
    return List.of(
        new HeunFlow(workload, threads, Layout.ROWS),
        new HeunFlow(workload, threads, Layout.COLUMNS));
  }

  @Override
  public List<Contender> network(NetworkRows workload, int threads) {
    return List.of(new LibTorchNetwork(workload, threads));
  }

  @Override
  public List<Contender> trainingStep(TrainingStep step, int threads) {
    return List.of(
        new LibTorchStep(step, threads, LibTorchStep.Backward.AUTOGRAD),
        new LibTorchStep(step, threads, LibTorchStep.Backward.WRITTEN_OUT));
  }

  /**
   * How arrays lie: a point a row, as it is mostly written, or a point a column, which gives the
   * softmax over few components long runs to work on.
   */
  private enum Layout {
    ROWS,
    COLUMNS;

    private long[] shape(long points, long values) {
      return this == ROWS ? new long[] {points, values} : new long[] {values, points};
    }

    private int componentAxis() {
      return this == ROWS ? 1 : 0;
    }

    /** An array [points, values], row-major, as this layout has it. */
    private float[] of(float[] rows, int values) {
      return this == ROWS ? rows : transposed(rows, values);
    }

    /** An array of this layout as [points, values], row-major. */
    private float[] toRows(float[] array, int values) {
      return this == ROWS ? array : transposed(array, array.length / values);
    }

    private static float[] transposed(float[] array, int columns) {
      int rows = array.length / columns;
      float[] result = new float[array.length];
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          result[j * rows + i] = array[i * columns + j];
        }
      }
      return result;
    }
  }

  /** One way of doing a task: sets the threads, records no gradients, frees what a call makes. */
  abstract static class Way implements Contender {

    private final String name;
    private final int threads;
    private final List<Pointer> kept = new ArrayList<>();

    Way(String form, int threads) {
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

    /** The elements of the output, a point a row. */
    float[] rows(float[] output) {
      return output;
    }

    @Override
    public final String name() {
      return name;
    }

    @Override
    @SuppressWarnings("try") // a guard and a scope work by being open
    public final double seconds(int calls) {
      torch.set_num_threads(threads);
      // its matrix products come from OpenBLAS, which has threads of its own
      openblas_nolapack.blas_set_num_threads(threads);
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
      return rows(values);
    }

    @Override
    public final void close() {
      kept.forEach(Pointer::close);
    }
  }

  /** Both distances by one matrix product, the posterior mean by another: three calls in all. */
  private static final class ExpandedScore extends Way {

    private final Layout layout;
    private final int dimension;
    private final Tensor x;
    private final Tensor score;
    private final ArrayScore form;

    private ExpandedScore(Workload workload, int threads, Layout layout) {
      super("expanded, points as " + layout, threads);
      this.layout = layout;
      long n = workload.rows();
      dimension = workload.dimension();
      x = tensor(layout.of(workload.points(), dimension), layout.shape(n, dimension));
      score = output(layout.shape(n, dimension));
      Tensor logits = output(layout.shape(n, workload.components()));
      Tensor shares = output(layout.shape(n, workload.components()));
      form = new ArrayScore(this, layout, workload.mixture(), 0, 1, logits, shares);
    }

    @Override
    void run() {
      form.run(x, score);
    }

    @Override
    float[] rows(float[] output) {
      return layout.toRows(output, dimension);
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

    private final Layout layout;
    private final Tensor columns;
    private final Tensor offsets;
    private final Tensor rows;
    private final Scalar ofX;
    private final Scalar ofMeans;
    private final Tensor logits;
    private final Tensor shares;

    private ArrayScore(
        Way owner,
        Layout layout,
        DiffusedMixture mixture,
        double linear,
        double factor,
        Tensor logits,
        Tensor shares) {
      int components = mixture.mixture().components();
      int d = mixture.mixture().dimension();
      SharedIsotropic constants = SharedIsotropic.of(mixture);
      this.layout = layout;
      // what multiplies x, and what multiplies the shares; each the other's transpose
      Tensor byDimension = owner.tensor(constants.columns(), d, components);
      Tensor byComponent = owner.tensor(constants.rows(), components, d);
      columns = layout == Layout.ROWS ? byDimension : byComponent;
      rows = layout == Layout.ROWS ? byComponent : byDimension;
      offsets = owner.tensor(constants.offsets(), layout.shape(1, components));
      ofX = owner.scalar(linear - factor / constants.variance());
      ofMeans = owner.scalar(factor);
      this.logits = logits;
      this.shares = shares;
    }

    private void run(Tensor x, Tensor out) {
      if (layout == Layout.ROWS) {
        torch.addmm_out(logits, offsets, x, columns);
        torch.softmax_out(shares, logits, layout.componentAxis());
        torch.addmm_out(out, x, shares, rows, ofX, ofMeans);
      } else {
        torch.addmm_out(logits, offsets, columns, x);
        torch.softmax_out(shares, logits, layout.componentAxis());
        torch.addmm_out(out, x, rows, shares, ofX, ofMeans);
      }
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

    private final Layout layout;
    private final int dimension;
    private final Tensor noise;
    private final Tensor x;
    private final Tensor moved;
    private final Tensor first;
    private final Tensor second;
    private final List<Step> steps = new ArrayList<>();

    private record Step(ArrayScore atStart, ArrayScore atEnd, Scalar whole, Scalar half) {}

    private HeunFlow(FlowWorkload workload, int threads, Layout layout) {
      super("arrays, points as " + layout, threads);
      this.layout = layout;
      dimension = workload.mixture().dimension();
      long[] state = layout.shape(workload.rows(), dimension);
      noise = tensor(layout.of(workload.noise(), dimension), state);
      x = output(state);
      moved = output(state);
      first = output(state);
      second = output(state);
      long[] table = layout.shape(workload.rows(), workload.mixture().components());
      Tensor logits = output(table);
      Tensor shares = output(table);
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
          layout,
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
    float[] rows(float[] output) {
      return layout.toRows(output, dimension);
    }

    @Override
    Tensor output() {
      return x;
    }
  }
}
