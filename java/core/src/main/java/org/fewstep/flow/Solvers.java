package org.fewstep.flow;

import java.util.List;

/** The built-in solvers by name, with their default parameters. */
public final class Solvers {

  private static final List<Solver> BUILT_IN =
      List.of(
          new Euler(),
          new Midpoint(),
          new Heun(),
          new Rk4(),
          new Ddim(),
          new DpmSolver2M(),
          new DpmSolver3M(),
          new UniPc(),
          new DormandPrince());

  private Solvers() {}

  /** Every built-in solver. */
  public static List<Solver> builtIn() {
    return BUILT_IN;
  }

  /** The names of the built-in solvers. */
  public static List<String> names() {
    return BUILT_IN.stream().map(Solver::name).toList();
  }

  /**
   * The built-in solver of that name: euler, midpoint, heun, rk4, ddim, dpmpp2m, dpmpp3m, unipc or
   * dopri5.
   *
   * @throws IllegalArgumentException if there is none, listing the names
   */
  public static Solver named(String name) {
    return BUILT_IN.stream()
        .filter(solver -> solver.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "solver must be one of %s, but is '%s'".formatted(names(), name)));
  }
}
