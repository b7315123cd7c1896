/** The command {@code fewstep}. */
module org.fewstep.cli {
  requires org.fewstep;
  requires org.fewstep.io;
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires org.knowm.xchart;
  requires me.tongfei.progressbar;
  requires java.desktop;

  opens org.fewstep.cli to
      info.picocli;

  provides System.LoggerFinder with
      org.fewstep.cli.CliLoggerFinder;
}
