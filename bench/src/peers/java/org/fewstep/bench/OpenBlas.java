package org.fewstep.bench;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.fewstep.backend.Availability;
import org.fewstep.network.Layer;

/** OpenBLAS: the matrix products alone, between matrices made beforehand. */
public final class OpenBlas implements Peer {

  /**
   * Kernels of 256 bits. OpenBLAS takes them for processors newer than itself, whatever their
   * width; measured so, it is not the peer that it can be.
   */
  private static final Set<String> NARROW_CORES = Set.of("Haswell", "Zen");

  /** Found as a service. */
  public OpenBlas() {}

  @Override
  public String name() {
    return "OpenBLAS";
  }

  @Override
  public Availability availability() {
    try {
      Loader.load(openblas_nolapack.class);
      String core = text("openblas_get_corename");
      boolean narrow = FmaLoops.vectorBits() == 512 && NARROW_CORES.contains(core);
      return new Availability(
          true,
          "%s, core %s%s"
              .formatted(
                  text("openblas_get_config"),
                  core,
                  narrow ? " (256 bits; give it 512 by OPENBLAS_CORETYPE=SkylakeX)" : ""));
    } catch (LinkageError e) {
      return new Availability(false, "OpenBLAS does not load: " + e.getMessage());
    }
  }

  @Override
  public List<Contender> products(Workload workload, int threads) {
    return List.of(new Products(workload, threads));
  }

  @Override
  public List<Contender> networkProducts(NetworkRows workload, int threads) {
    return List.of(new LayerProducts(workload, threads));
  }

  @SuppressWarnings("restricted") // calls a function that takes nothing and returns a C string
  private static String text(String function) {
    return SymbolLookup.loaderLookup()
        .find(function)
        .map(
            address -> {
              try {
                MemorySegment text =
                    (MemorySegment)
                        Linker.nativeLinker()
                            .downcallHandle(address, FunctionDescriptor.of(ValueLayout.ADDRESS))
                            .invokeExact();
                return text.reinterpret(Long.MAX_VALUE).getString(0).strip();
              } catch (Throwable e) {
                throw new AssertionError(e);
              }
            })
        .orElse("unknown");
  }

  /** {@code x [n,d] columns [d,K]} and {@code shares [n,K] rows [K,d]}, row-major. */
  private static final class Products implements Contender {

    private final int n;
    private final int components;
    private final int d;
    private final int threads;
    private final FloatPointer x;
    private final FloatPointer columns;
    private final FloatPointer rows;
    private final FloatPointer logits;
    private final FloatPointer means;

    private Products(Workload workload, int threads) {
      n = Math.toIntExact(workload.rows());
      components = workload.components();
      d = workload.dimension();
      this.threads = threads;
      SharedIsotropic constants = SharedIsotropic.of(workload.mixture());
      x = new FloatPointer(workload.points());
      columns = new FloatPointer(constants.columns());
      rows = new FloatPointer(constants.rows());
      logits = new FloatPointer((long) n * components);
      means = new FloatPointer((long) n * d);
    }

    @Override
    public String name() {
      return "OpenBLAS products";
    }

    @Override
    public double seconds(int calls) {
      openblas_nolapack.blas_set_num_threads(threads);
      long start = System.nanoTime();
      for (int i = 0; i < calls; i++) {
        multiply(n, components, d, x, columns, logits);
        // the product of the logits: as much work as with the shares, and nothing between the two
        multiply(n, d, components, logits, rows, means);
      }
      return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void close() {
      x.close();
      columns.close();
      rows.close();
      logits.close();
      means.close();
    }
  }

  /** The product of every layer, {@code h [n,in] weights [in,out]}, row-major. */
  private static final class LayerProducts implements Contender {

    private final int n;
    private final int threads;
    private final List<Layer> layers;
    private final List<FloatPointer> values = new ArrayList<>();
    private final List<FloatPointer> weights = new ArrayList<>();

    private LayerProducts(NetworkRows workload, int threads) {
      n = Math.toIntExact(workload.rows());
      this.threads = threads;
      layers = workload.network().layers();
      values.add(new FloatPointer(workload.values()));
      for (Layer layer : layers) {
        weights.add(new FloatPointer(LayerWeights.columns(layer)));
        values.add(new FloatPointer((long) n * layer.outputs()));
      }
    }

    @Override
    public String name() {
      return "OpenBLAS products";
    }

    @Override
    public double seconds(int calls) {
      openblas_nolapack.blas_set_num_threads(threads);
      long start = System.nanoTime();
      for (int i = 0; i < calls; i++) {
        for (int l = 0; l < layers.size(); l++) {
          Layer layer = layers.get(l);
          multiply(
              n, layer.outputs(), layer.inputs(), values.get(l), weights.get(l), values.get(l + 1));
        }
      }
      return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void close() {
      values.forEach(FloatPointer::close);
      weights.forEach(FloatPointer::close);
    }
  }

  /** {@code out [rows, columns] = left [rows, depth] right [depth, columns]}, row-major. */
  private static void multiply(
      int rows, int columns, int depth, FloatPointer left, FloatPointer right, FloatPointer out) {
    openblas_nolapack.cblas_sgemm(
        openblas_nolapack.CblasRowMajor,
        openblas_nolapack.CblasNoTrans,
        openblas_nolapack.CblasNoTrans,
        rows,
        columns,
        depth,
        1,
        left,
        depth,
        right,
        columns,
        0,
        out,
        columns);
  }
}
