package org.fewstep.diffusion;

import java.util.List;

/** The built-in processes by name. */
public final class Diffusions {

  private static final List<Diffusion> BUILT_IN =
      List.of(
          new OrnsteinUhlenbeck(),
          new VariancePreserving(),
          new VariancePreservingCosine(),
          new VarianceExploding());

  private Diffusions() {}

  /** Every built-in process with its default parameters. */
  public static List<Diffusion> builtIn() {
    return BUILT_IN;
  }

  /**
   * The built-in process of that name: ou, vp, vp-cosine or ve.
   *
   * @throws IllegalArgumentException if there is none, listing the names
   */
  public static Diffusion named(String name) {
    return BUILT_IN.stream()
        .filter(process -> process.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "process must be one of %s, but is '%s'"
                        .formatted(BUILT_IN.stream().map(Diffusion::name).toList(), name)));
  }
}
