from giar_ml.cli import main

raise SystemExit(main())
