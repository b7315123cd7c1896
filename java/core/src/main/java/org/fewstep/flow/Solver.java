package org.fewstep.flow;

/**
 * How a flow is integrated: with the steps of a grid ({@link FixedStepSolver}) or with steps of its
 * own ({@link DormandPrince}). Solvers are immutable; {@link Solvers#named} finds them by name.
 */
public sealed interface Solver permits FixedStepSolver, DormandPrince {

  /** The short name by which the command line and results call this solver, such as "heun". */
  String name();

  /** The order of convergence p: the error at the end falls like the p-th power of the step. */
  int order();
}
