package org.fewstep.cuda;

import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.cuda.binding.fs_gaussians;
import org.fewstep.cuda.binding.fs_mixture_tiles;
import org.fewstep.mixture.DiffusedMixture;
import org.fewstep.mixture.GaussianMixture;

/** A mixture in device memory: what the calls describe it by, and its forms at times and plans. */
final class PackedMixture implements AutoCloseable {

  private final CudaContext context;
  private final Precision precision;
  private final MixturePack pack;
  private final DeviceBuffer exact;
  private final fs_gaussians description;
  private final PackCache<DiffusedMixture, AtTime> times;
  private final PackCache<Plan, Trajectory> trajectories;
  private DeviceBuffer origins;

  /** Null where no tiles serve the mixture. */
  private final TilePack tilePack;

  private DeviceBuffer tileMeans;

  /**
   * The mixture at one time.
   *
   * @param tiles of the kernels on tensor cores, or null where there are none
   */
  record AtTime(DeviceBuffer numbers, MixturePack.AtTime pack, Tiles tiles)
      implements AutoCloseable {
    @Override
    public void close() {
      numbers.close();
      if (tiles != null) {
        tiles.close();
      }
    }
  }

  /** What the call describes tiles by. */
  record Tiles(DeviceBuffer constants, fs_mixture_tiles description) implements AutoCloseable {
    @Override
    public void close() {
      constants.close();
      description.close();
    }
  }

  /** The mixture at the times of a plan, and the plan. */
  record Trajectory(
      DeviceBuffer numbers, DeviceBuffer times, DeviceBuffer program, MixturePack.Trajectory pack)
      implements AutoCloseable {
    @Override
    public void close() {
      numbers.close();
      times.close();
      program.close();
    }
  }

  PackedMixture(CudaContext context, GaussianMixture mixture, Precision precision) {
    this.context = context;
    this.precision = precision;
    times = PackCache.by(context, PackedMixture::atSameTime, this::atTime);
    trajectories = PackCache.byIdentity(context, this::trajectory);
    pack = new MixturePack(mixture, precision);
    tilePack = TilePack.serves(mixture, precision) ? new TilePack(mixture) : null;
    exact = context.upload(pack.exact(), Precision.FLOAT64);
    description =
        new fs_gaussians()
            .precision(Arguments.code(precision))
            .kind(pack.kind().ordinal())
            .shared(pack.shared() ? 1 : 0)
            .dimension(mixture.dimension())
            .components(mixture.components())
            .least_eigenvalue(pack.leastEigenvalue())
            .exact(exact.address());
  }

  /** Of one mixture; solvers make it anew for every evaluation. */
  private static boolean atSameTime(DiffusedMixture one, DiffusedMixture other) {
    return one.scale() == other.scale()
        && one.ornsteinUhlenbeckTime() == other.ornsteinUhlenbeckTime();
  }

  fs_gaussians description() {
    return description;
  }

  AtTime at(DiffusedMixture diffused) {
    return times.get(diffused);
  }

  private AtTime atTime(DiffusedMixture diffused) {
    MixturePack.AtTime at = pack.at(diffused);
    DeviceBuffer numbers = upload(at.numbers());
    try {
      return new AtTime(numbers, at, tiles(at));
    } catch (RuntimeException | Error e) {
      numbers.close();
      throw e;
    }
  }

  private Tiles tiles(MixturePack.AtTime at) {
    if (tilePack == null) {
      return null;
    }
    TilePack.AtTime tiles = tilePack.at(at);
    if (tileMeans == null) {
      tileMeans = upload(tilePack.means());
    }
    DeviceBuffer constants = upload(tiles.constants());
    return new Tiles(
        constants,
        new fs_mixture_tiles()
            .means(tileMeans.address())
            .constants(constants.address())
            .components(tilePack.components())
            .width(tilePack.width())
            .one_covariance(pack.shared() ? 1 : 0)
            .alpha(at.alpha())
            .largest_square(tiles.largestSquare())
            .margin(tiles.margin())
            .log_constant(at.logScale()));
  }

  Trajectory at(Plan plan) {
    return trajectories.get(plan);
  }

  private Trajectory trajectory(Plan plan) {
    MixturePack.Trajectory of = pack.plan(plan);
    DeviceBuffer numbers = upload(of.numbers());
    DeviceBuffer moments = null;
    try {
      moments = context.upload(of.times(), Precision.FLOAT64);
      return new Trajectory(numbers, moments, upload(of.program().numbers()), of);
    } catch (RuntimeException | Error e) {
      numbers.close();
      if (moments != null) {
        moments.close();
      }
      throw e;
    }
  }

  /** The form for a time per row. */
  long origins() {
    if (origins == null) {
      origins = upload(pack.origins());
    }
    return origins.address();
  }

  private DeviceBuffer upload(double[] numbers) {
    return context.upload(numbers, precision);
  }

  @Override
  public void close() {
    times.close();
    trajectories.close();
    if (origins != null) {
      origins.close();
    }
    if (tileMeans != null) {
      tileMeans.close();
    }
    exact.close();
    description.close();
  }
}
